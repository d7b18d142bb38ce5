metadata name = 'Databricks workspace'
metadata description = 'A Databricks workspace in a network that Databricks manages, with its audit log in Log Analytics.'

@description('Azure region.')
param location string

@description('Tags of the workspace; Databricks copies them to what it makes.')
param tags object

@description('Name of the workspace.')
@minLength(3)
@maxLength(64)
param name string

@description('Plan of the workspace.')
@allowed([
  'premium'
  'trial'
])
param sku string

@description('Id of the resource group that Databricks makes and manages.')
param managedResourceGroupId string

@description('Whether the workspace can be reached from the internet.')
param publicNetworkAccess bool

@description('Whether clusters have no public IP addresses.')
param noPublicIp bool

@description('Resource id of the Log Analytics workspace.')
param logAnalyticsId string

resource workspace 'Microsoft.Databricks/workspaces@2026-01-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: sku
  }
  properties: {
    computeMode: 'Hybrid'
    managedResourceGroupId: managedResourceGroupId
    publicNetworkAccess: publicNetworkAccess ? 'Enabled' : 'Disabled'
    // NoAzureDatabricksRules needs a network of one's own with private link; here clusters reach Databricks by its public address.
    requiredNsgRules: 'AllRules'
    parameters: {
      enableNoPublicIp: {
        value: noPublicIp
      }
    }
  }
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'log-analytics'
  scope: workspace
  properties: {
    workspaceId: logAnalyticsId
    logs: [
      {
        categoryGroup: 'allLogs'
        enabled: true
      }
    ]
  }
}

@description('Host name of the workspace, without https://.')
output workspaceUrl string = workspace.properties.workspaceUrl
