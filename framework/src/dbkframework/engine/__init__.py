"""Where this code runs, the Spark that is there, and settings from wherever they are kept.

>>> import os
>>> os.environ["GREETING"] = "hello"
>>> get_setting("GREETING")
'hello'
>>> get_setting("NOT_SET_ANYWHERE", default="as usual")
'as usual'
"""

from dbkframework.engine.parameters import get_parameter
from dbkframework.engine.place import Place, place
from dbkframework.engine.settings import SettingNotFoundError, get_secret, get_setting
from dbkframework.engine.showing import show
from dbkframework.engine.spark import SparkNotFoundError, get_spark
from dbkframework.redaction import Secret

__all__ = [
    "Place",
    "Secret",
    "SettingNotFoundError",
    "SparkNotFoundError",
    "get_parameter",
    "get_secret",
    "get_setting",
    "get_spark",
    "place",
    "show",
]
