targetScope = 'subscription'

metadata name = 'One Databricks environment'
metadata description = 'The resource group of one environment and everything in it: Databricks workspace, data lake with access connector, key vault, logs.'

@description('Name of the environment, for example Development. Part of every computed name.')
@minLength(1)
@maxLength(64)
param environmentName string

@description('Azure region of the resource group and of everything in it.')
@minLength(1)
param location string

@description('Name of the resource group.')
@minLength(1)
@maxLength(90)
param resourceGroupName string

@description('Tags of the resource group and of every resource in it that takes tags.')
param tags object = {}

@description('Name of the Databricks workspace. Empty: computed.')
@maxLength(64)
param workspaceName string = ''

@description('Plan of the Databricks workspace. Diagnostic logs and access control need premium.')
@allowed([
  'premium'
  'trial'
])
param workspaceSku string = 'premium'

@description('Resource group that Databricks makes and manages; must not exist yet and must not be resourceGroupName. Empty: computed.')
@maxLength(90)
param managedResourceGroupName string = ''

@description('Whether the workspace can be reached from the internet. Without it, a private endpoint is needed.')
param workspacePublicNetworkAccess bool = true

@description('Whether clusters have no public IP addresses (secure cluster connectivity).')
param noPublicIp bool = true

@description('Name of the key vault, unique in the cloud: 3 to 24 letters, digits and hyphens. Empty: computed.')
@maxLength(24)
param keyVaultName string = ''

@description('Tier of the key vault; premium keeps keys in hardware.')
@allowed([
  'standard'
  'premium'
])
param keyVaultSku string = 'standard'

@description('Whether a deleted key vault can only be recovered until its retention ends. Once on, it cannot be turned off.')
param keyVaultPurgeProtection bool = false

@description('Days that a deleted key vault can be recovered. Cannot be changed later.')
@minValue(7)
@maxValue(90)
param keyVaultSoftDeleteRetentionDays int = 90

@description('Whether the key vault can be reached from the internet.')
param keyVaultPublicNetworkAccess bool = true

@description('IPv4 addresses or CIDR ranges that may reach the key vault. Empty: any address.')
@maxLength(1000)
param keyVaultAllowedIpRanges array = []

@description('recover brings back the deleted key vault of this name; default makes or updates it.')
@allowed([
  'default'
  'recover'
])
param keyVaultCreateMode string = 'default'

@description('Name of the storage account, unique in the cloud: 3 to 24 lower-case letters and digits. Empty: computed.')
@maxLength(24)
param storageAccountName string = ''

@description('Redundancy of the storage account.')
@allowed([
  'Standard_LRS'
  'Standard_ZRS'
  'Standard_GRS'
  'Standard_RAGRS'
  'Standard_GZRS'
  'Standard_RAGZRS'
])
param storageSku string = 'Standard_LRS'

@description('Whether the storage account can be reached from the internet. The access connector always reaches it.')
param storagePublicNetworkAccess bool = true

@description('IPv4 addresses or CIDR ranges that may reach the storage account. Empty: any address.')
@maxLength(400)
param storageAllowedIpRanges array = []

@description('Containers of the data lake.')
@minLength(1)
param storageContainers array = [
  'bronze'
  'silver'
  'gold'
]

@description('Name of the Databricks access connector. Empty: computed.')
@maxLength(64)
param accessConnectorName string = ''

@description('Name of the Log Analytics workspace. Empty: computed.')
@maxLength(63)
param logAnalyticsName string = ''

@description('Name of the Application Insights component. Empty: computed.')
@maxLength(260)
param applicationInsightsName string = ''

@description('Days that logs are kept.')
@minValue(30)
@maxValue(730)
param logRetentionDays int = 30

// Computable before the resource group exists; the same for every deployment of this group.
var uniqueSuffix = take(uniqueString(subscription().subscriptionId, resourceGroupName), 7)
var environmentShortName = take(toLower(replace(replace(replace(replace(environmentName, ' ', ''), '-', ''), '_', ''), '.', '')), 13)
var nameStem = '${environmentShortName}-${uniqueSuffix}'
var names = {
  workspace: empty(workspaceName) ? 'dbw-${nameStem}' : workspaceName
  managedResourceGroup: empty(managedResourceGroupName) ? '${take(resourceGroupName, 70)}-databricks-${uniqueSuffix}' : managedResourceGroupName
  keyVault: empty(keyVaultName) ? 'kv-${nameStem}' : keyVaultName
  storageAccount: empty(storageAccountName) ? 'st${environmentShortName}${uniqueSuffix}' : storageAccountName
  accessConnector: empty(accessConnectorName) ? 'dbac-${nameStem}' : accessConnectorName
  logAnalytics: empty(logAnalyticsName) ? 'log-${nameStem}' : logAnalyticsName
  applicationInsights: empty(applicationInsightsName) ? 'appi-${nameStem}' : applicationInsightsName
}

// Ids are computed, not taken from the outputs of modules: what-if expands no module whose parameters wait for an output.
var environmentGroupId = '${subscription().id}/resourceGroups/${resourceGroupName}'
var ids = {
  workspace: '${environmentGroupId}/providers/Microsoft.Databricks/workspaces/${names.workspace}'
  managedResourceGroup: '${subscription().id}/resourceGroups/${names.managedResourceGroup}'
  keyVault: '${environmentGroupId}/providers/Microsoft.KeyVault/vaults/${names.keyVault}'
  storageAccount: '${environmentGroupId}/providers/Microsoft.Storage/storageAccounts/${names.storageAccount}'
  accessConnector: '${environmentGroupId}/providers/Microsoft.Databricks/accessConnectors/${names.accessConnector}'
  logAnalytics: '${environmentGroupId}/providers/Microsoft.OperationalInsights/workspaces/${names.logAnalytics}'
  applicationInsights: '${environmentGroupId}/providers/Microsoft.Insights/components/${names.applicationInsights}'
}

resource environmentGroup 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: resourceGroupName
  location: location
  tags: tags
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: environmentGroup
  params: {
    location: location
    tags: tags
    logAnalyticsName: names.logAnalytics
    applicationInsightsName: names.applicationInsights
    retentionDays: logRetentionDays
  }
}

module keyVault 'modules/keyVault.bicep' = {
  name: 'keyVault'
  scope: environmentGroup
  params: {
    location: location
    tags: tags
    name: names.keyVault
    sku: keyVaultSku
    purgeProtection: keyVaultPurgeProtection
    softDeleteRetentionDays: keyVaultSoftDeleteRetentionDays
    publicNetworkAccess: keyVaultPublicNetworkAccess
    allowedIpRanges: keyVaultAllowedIpRanges
    createMode: keyVaultCreateMode
    logAnalyticsId: ids.logAnalytics
  }
  dependsOn: [
    monitoring
  ]
}

module dataLake 'modules/dataLake.bicep' = {
  name: 'dataLake'
  scope: environmentGroup
  params: {
    location: location
    tags: tags
    storageAccountName: names.storageAccount
    accessConnectorName: names.accessConnector
    sku: storageSku
    publicNetworkAccess: storagePublicNetworkAccess
    allowedIpRanges: storageAllowedIpRanges
    containerNames: storageContainers
    logAnalyticsId: ids.logAnalytics
  }
  dependsOn: [
    monitoring
  ]
}

module workspace 'modules/workspace.bicep' = {
  name: 'workspace'
  scope: environmentGroup
  params: {
    location: location
    tags: tags
    name: names.workspace
    sku: workspaceSku
    managedResourceGroupId: ids.managedResourceGroup
    publicNetworkAccess: workspacePublicNetworkAccess
    noPublicIp: noPublicIp
    logAnalyticsId: ids.logAnalytics
  }
  dependsOn: [
    monitoring
  ]
}

@description('Name of the resource group.')
output resourceGroupName string = resourceGroupName

@description('Id of the resource group.')
output resourceGroupId string = environmentGroupId

@description('Name of the Databricks workspace.')
output workspaceName string = names.workspace

@description('Resource id of the Databricks workspace.')
output workspaceId string = ids.workspace

@description('Host name of the Databricks workspace, without https://.')
output workspaceUrl string = workspace.outputs.workspaceUrl

@description('Name of the resource group that Databricks manages.')
output managedResourceGroupName string = names.managedResourceGroup

@description('Id of the resource group that Databricks manages.')
output managedResourceGroupId string = ids.managedResourceGroup

@description('Name of the key vault.')
output keyVaultName string = names.keyVault

@description('Resource id of the key vault.')
output keyVaultId string = ids.keyVault

@description('Address of the key vault.')
output keyVaultUri string = keyVault.outputs.vaultUri

@description('Name of the storage account.')
output storageAccountName string = names.storageAccount

@description('Resource id of the storage account.')
output storageAccountId string = ids.storageAccount

@description('Name of the access connector.')
output accessConnectorName string = names.accessConnector

@description('Resource id of the access connector, for storage credentials in Unity Catalog.')
output accessConnectorId string = ids.accessConnector

@description('Name of the Log Analytics workspace.')
output logAnalyticsName string = names.logAnalytics

@description('Resource id of the Log Analytics workspace.')
output logAnalyticsId string = ids.logAnalytics

@description('Name of the Application Insights component.')
output applicationInsightsName string = names.applicationInsights

@description('Resource id of the Application Insights component.')
output applicationInsightsId string = ids.applicationInsights
