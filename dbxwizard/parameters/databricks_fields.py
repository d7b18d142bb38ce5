"""The bodies of the Clusters API and the Jobs API as far as we check them.

Names and values: databricks-sdk 0.156, `compute.ClusterSpec` and `jobs.JobSettings`; limits: the APIs' reference
(docs.databricks.com/api/azure/workspace/clusters/create, …/jobs/create).
"""

from __future__ import annotations

from dbxwizard.parameters.shapes import Field, Flag, Free, ListOf, MapOf, Record, Shape, Text, Whole

GIT_PROVIDERS = (
    "gitHub",
    "gitHubEnterprise",
    "azureDevOpsServices",
    "gitLab",
    "gitLabEnterpriseEdition",
    "bitbucketCloud",
    "bitbucketServer",
    "awsCodeCommit",
)
DATA_SECURITY_MODES = (
    "USER_ISOLATION",
    "SINGLE_USER",
    "DATA_SECURITY_MODE_AUTO",
    "DATA_SECURITY_MODE_STANDARD",
    "DATA_SECURITY_MODE_DEDICATED",
    "NONE",
    "LEGACY_SINGLE_USER",
    "LEGACY_SINGLE_USER_STANDARD",
    "LEGACY_TABLE_ACL",
    "LEGACY_PASSTHROUGH",
)
_TEXT = Text()
_OBJECT = Free("object")
_TASK_KEY = Text(pattern="[A-Za-z0-9_-]{1,100}", help="1 to 100 letters, digits, _ and -", code="invalid-name")
_SECONDS = Whole(0, 2_147_483_647)


def _plain(shape: Shape, *names: str) -> tuple[Field, ...]:
    """Keys that the API documents and we only hand on."""
    return tuple(Field(name, shape, f"As the API's `{name}`.") for name in names)


_PACKAGE = Record(
    fields=(
        Field("package", _TEXT, "Name of the package, with a version such as ==1.2.3.", required=True),
        Field("repo", _TEXT, "Package index. Left out: the default one."),
    )
)
LIBRARY = Record(
    title="library",
    rules=("one-library",),
    fields=(
        Field("pypi", _PACKAGE, "A package from a Python package index."),
        Field("cran", _PACKAGE, "A package from CRAN."),
        Field(
            "maven",
            Record(
                fields=(
                    Field("coordinates", _TEXT, "group:artifact:version.", required=True),
                    Field("repo", _TEXT, "Repository."),
                    Field("exclusions", ListOf(_TEXT), "Dependencies to leave out."),
                )
            ),
            "A package from Maven.",
        ),
        Field("whl", _TEXT, "Path of a wheel in the workspace or a volume."),
        Field("jar", _TEXT, "Path of a jar."),
        Field("egg", _TEXT, "Path of an egg."),
        Field("requirements", _TEXT, "Path of a requirements.txt."),
    ),
)

_AUTOSCALE = Record(
    rules=("autoscale",),
    fields=(
        Field("min_workers", Whole(0, 100_000), "Fewest workers.", required=True),
        Field("max_workers", Whole(1, 100_000), "Most workers.", required=True),
    ),
)
_NODE_TYPE = Text(check="node-type")
_WORKERS = Field("num_workers", Whole(0, 100_000), "Fixed number of workers; 0 for a single node.")

_CLUSTER_FIELDS = (
    Field("spark_version", Text(check="runtime"), "Databricks runtime, such as 17.3.x-scala2.13.", required=True),
    Field("node_type_id", _NODE_TYPE, "Azure VM size of the workers, such as Standard_D4ds_v5."),
    Field("driver_node_type_id", _NODE_TYPE, "VM size of the driver. Left out: as the workers."),
    Field("autoscale", _AUTOSCALE, "Smallest and largest number of workers."),
    _WORKERS,
    Field(
        "autotermination_minutes",
        Whole(10, 10_000, also=(0,)),
        "Minutes without work after which the cluster stops; 0 for never.",
    ),
    Field(
        "data_security_mode",
        Text(allowed=DATA_SECURITY_MODES),
        "Access mode: USER_ISOLATION for several people, SINGLE_USER for one.",
        required=True,
    ),
    Field(
        "single_user_name",
        Text(suggest="principal"),
        "Who may use a SINGLE_USER cluster: a sign-in name, a group or databricks-spn.",
    ),
    Field("runtime_engine", Text(allowed=("STANDARD", "PHOTON", "NULL")), "STANDARD, or PHOTON for faster SQL."),
    Field("spark_conf", MapOf(_TEXT), "Spark settings; values are texts."),
    Field("spark_env_vars", MapOf(_TEXT), "Environment variables; values are texts."),
    Field("custom_tags", MapOf(Text(free=True), most=45), "Tags on the cluster's machines."),
    Field(
        "azure_attributes",
        Record(
            fields=(
                Field(
                    "availability",
                    Text(allowed=("ON_DEMAND_AZURE", "SPOT_AZURE", "SPOT_WITH_FALLBACK_AZURE")),
                    "Whether spot machines are used.",
                ),
                Field("first_on_demand", Whole(0, 100_000), "How many of the first nodes are no spot machines."),
                Field("spot_bid_max_price", Free("number"), "Highest price for spot machines; -1 for no limit."),
                *_plain(_OBJECT, "log_analytics_info"),
                *_plain(_TEXT, "capacity_reservation_group"),
            )
        ),
        "Spot machines and the like.",
    ),
    *_plain(
        _OBJECT,
        "cluster_log_conf",
        "docker_image",
        "workload_type",
        "worker_node_type_flexibility",
        "driver_node_type_flexibility",
    ),
    *_plain(
        Flag(),
        "apply_policy_default_values",
        "enable_elastic_disk",
        "enable_local_disk_encryption",
        "is_single_node",
        "use_ml_runtime",
    ),
    *_plain(
        _TEXT,
        "policy_id",
        "instance_pool_id",
        "driver_instance_pool_id",
        "kind",
        "dependency_mode",
    ),
    *_plain(Whole(0, 2_147_483_647), "remote_disk_throughput", "total_initial_remote_disk_size"),
    Field("init_scripts", ListOf(_OBJECT, most=10), "Scripts that run on each node when it starts."),
    Field("ssh_public_keys", ListOf(_TEXT, most=10), "Public keys for SSH."),
)

CLUSTER = Record(
    model="Cluster",
    rules=("cluster",),
    fields=(
        Field("cluster_name", Text(most=100), "Name of the cluster.", required=True),
        *_CLUSTER_FIELDS,
        Field("libraries", ListOf(LIBRARY), "What is installed on the cluster.", default=[]),
    ),
)
_NEW_CLUSTER = Record(
    title="new_cluster",
    rules=("cluster",),
    fields=(Field("cluster_name", Text(most=100), "Name of the cluster."), *_CLUSTER_FIELDS),
)

_SOURCE = Text(allowed=("GIT", "WORKSPACE"))
_SCRIPT = Record(
    fields=(
        Field("python_file", _TEXT, "Path of the script; in the repository where `source` is GIT.", required=True),
        Field("parameters", ListOf(_TEXT), "Arguments."),
        Field("source", _SOURCE, "GIT: from the repository; WORKSPACE: from the workspace."),
    )
)
_NOTEBOOK = Record(
    fields=(
        Field("notebook_path", _TEXT, "Path of the notebook; in the repository where `source` is GIT.", required=True),
        Field("source", _SOURCE, "GIT: from the repository; WORKSPACE: from the workspace."),
        Field("base_parameters", _OBJECT, "Parameters of the notebook."),
        Field("warehouse_id", _TEXT, "SQL warehouse that runs it."),
    )
)
_WHEEL_TASK = Record(
    fields=(
        Field("package_name", _TEXT, "Name of the package.", required=True),
        Field("entry_point", _TEXT, "Entry point or function.", required=True),
        Field("parameters", ListOf(_TEXT), "Arguments."),
        Field("named_parameters", _OBJECT, "Arguments by name."),
    )
)
_OTHER_TASKS = (
    "spark_jar_task",
    "spark_submit_task",
    "pipeline_task",
    "run_job_task",
    "sql_task",
    "dbt_task",
    "condition_task",
    "for_each_task",
    "dashboard_task",
    "power_bi_task",
    "clean_rooms_notebook_task",
    "dbt_cloud_task",
    "dbt_platform_task",
    "gen_ai_compute_task",
    "alert_task",
    "python_operator_task",
    "ai_runtime_task",
)
TASK_KINDS = ("notebook_task", "spark_python_task", "python_wheel_task", *_OTHER_TASKS)

_TASK = Record(
    rules=("task",),
    fields=(
        Field("task_key", _TASK_KEY, "Name of the task within the job.", required=True),
        Field("description", Text(free=True, most=1000), "A note for people."),
        Field("cluster_name", Text(suggest="cluster"), "Cluster of this file that runs the task."),
        Field("existing_cluster_id", _TEXT, "Id of a cluster that is not in this file."),
        Field("job_cluster_key", Text(suggest="job-cluster"), "Cluster of `job_clusters` that runs the task."),
        Field("new_cluster", _NEW_CLUSTER, "A cluster for this task alone."),
        Field("environment_key", _TEXT, "Serverless: an entry of `environments`."),
        Field(
            "depends_on",
            ListOf(
                Record(
                    fields=(
                        Field("task_key", Text(suggest="task"), "A task of this job.", required=True),
                        Field("outcome", _TEXT, "For a condition task: true or false."),
                    )
                )
            ),
            "Tasks that have to end before.",
        ),
        Field("notebook_task", _NOTEBOOK, "Runs a notebook."),
        Field("spark_python_task", _SCRIPT, "Runs a Python script."),
        Field("python_wheel_task", _WHEEL_TASK, "Runs an entry point of a wheel."),
        *_plain(_OBJECT, *_OTHER_TASKS),
        Field("libraries", ListOf(LIBRARY), "What the task needs installed."),
        Field("max_retries", Whole(-1, 2_147_483_647), "How often a failed task runs again; -1 for ever."),
        *_plain(_SECONDS, "min_retry_interval_millis", "timeout_seconds"),
        *_plain(Flag(), "retry_on_timeout", "disable_auto_optimization", "disabled"),
        Field(
            "run_if",
            Text(
                allowed=(
                    "ALL_SUCCESS",
                    "ALL_DONE",
                    "NONE_FAILED",
                    "AT_LEAST_ONE_SUCCESS",
                    "ALL_FAILED",
                    "AT_LEAST_ONE_FAILED",
                )
            ),
            "When the task runs, by how those before it ended.",
        ),
        *_plain(_OBJECT, "email_notifications", "notification_settings", "webhook_notifications", "health", "compute"),
        *_plain(_TEXT, "environment_variables_key"),
    ),
)

GIT_SOURCE = Record(
    rules=("git-source",),
    fields=(
        Field(
            "git_url",
            Text(pattern=r"https://[^\s/@]+/\S+", help="https://HOST/OWNER/REPOSITORY", code="invalid-url"),
            "Address of the repository.",
            required=True,
        ),
        Field("git_provider", Text(allowed=GIT_PROVIDERS), "The git provider.", required=True),
        Field("git_branch", _TEXT, "A branch: fetched anew at each run."),
        Field("git_tag", _TEXT, "A tag."),
        Field("git_commit", _TEXT, "A commit."),
        *_plain(_OBJECT, "git_snapshot", "job_source", "sparse_checkout"),
    ),
)

JOB = Record(
    model="Job",
    rules=("job",),
    fields=(
        Field("name", Text(most=4096), "Name of the job.", required=True),
        Field("description", Text(free=True, most=27_700), "A note for people."),
        Field("tasks", ListOf(_TASK, least=1, most=1000, unique="task_key"), "What the job does.", required=True),
        Field(
            "job_clusters",
            ListOf(
                Record(
                    fields=(
                        Field("job_cluster_key", _TASK_KEY, "Name of the cluster within the job.", required=True),
                        Field("new_cluster", _NEW_CLUSTER, "The cluster."),
                        *_plain(_TEXT, "serverless_compute_id"),
                    )
                ),
                most=100,
                unique="job_cluster_key",
            ),
            "Clusters that live as long as a run.",
        ),
        Field(
            "git_source", GIT_SOURCE, "Repository of the tasks. Left out: this repository at what is being deployed."
        ),
        Field(
            "schedule",
            Record(
                fields=(
                    Field("quartz_cron_expression", _TEXT, "When, as Quartz writes it.", required=True),
                    Field("timezone_id", _TEXT, "Time zone, such as Europe/London.", required=True),
                    Field("pause_status", Text(allowed=("PAUSED", "UNPAUSED")), "PAUSED or UNPAUSED."),
                    *_plain(_OBJECT, "sql_condition"),
                )
            ),
            "When the job runs by itself.",
        ),
        Field("max_concurrent_runs", Whole(0, 1000), "How many runs at once."),
        Field("timeout_seconds", _SECONDS, "Longest run; 0 for no limit."),
        Field("tags", MapOf(Text(free=True), most=25), "Tags on the job."),
        Field("parameters", ListOf(_OBJECT), "Parameters of the job."),
        Field("format", Text(allowed=("SINGLE_TASK", "MULTI_TASK")), "Ignored by the API."),
        Field("edit_mode", Text(allowed=("UI_LOCKED", "EDITABLE")), "UI_LOCKED: nobody edits it by hand."),
        Field("performance_target", Text(allowed=("PERFORMANCE_OPTIMIZED", "STANDARD")), "For serverless tasks."),
        *_plain(Free("array"), "environments", "environment_variables", "triggers"),
        *_plain(
            _OBJECT,
            "continuous",
            "deployment",
            "email_notifications",
            "health",
            "notification_settings",
            "queue",
            "run_as",
            "trigger",
            "webhook_notifications",
        ),
        *_plain(_TEXT, "budget_policy_id", "usage_policy_id", "parent_path", "duration_target"),
    ),
)
