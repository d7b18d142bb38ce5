metadata name = 'Key vault'
metadata description = 'A key vault whose access is decided by role assignments, with its audit log in Log Analytics.'

@description('Azure region.')
param location string

@description('Tags of the key vault.')
param tags object

@description('Name of the key vault, unique in the cloud.')
@minLength(3)
@maxLength(24)
param name string

@description('Tier of the key vault.')
@allowed([
  'standard'
  'premium'
])
param sku string

@description('Whether a deleted key vault can only be recovered until its retention ends.')
param purgeProtection bool

@description('Days that a deleted key vault can be recovered.')
@minValue(7)
@maxValue(90)
param softDeleteRetentionDays int

@description('Whether the key vault can be reached from the internet.')
param publicNetworkAccess bool

@description('IPv4 addresses or CIDR ranges that may reach the key vault. Empty: any address.')
param allowedIpRanges array

@description('recover brings back the deleted key vault of this name.')
@allowed([
  'default'
  'recover'
])
param createMode string

@description('Resource id of the Log Analytics workspace.')
param logAnalyticsId string

resource vault 'Microsoft.KeyVault/vaults@2025-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: subscription().tenantId
    sku: {
      family: 'A'
      name: sku
    }
    createMode: createMode
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: softDeleteRetentionDays
    // The service takes true or nothing; it refuses false.
    enablePurgeProtection: purgeProtection ? true : null
    publicNetworkAccess: publicNetworkAccess ? 'Enabled' : 'Disabled'
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: (publicNetworkAccess && empty(allowedIpRanges)) ? 'Allow' : 'Deny'
      ipRules: [for ipRange in allowedIpRanges: {
        value: ipRange
      }]
      virtualNetworkRules: []
    }
  }
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'log-analytics'
  scope: vault
  properties: {
    workspaceId: logAnalyticsId
    logs: [
      {
        categoryGroup: 'allLogs'
        enabled: true
      }
    ]
    metrics: [
      {
        category: 'AllMetrics'
        enabled: true
      }
    ]
  }
}

@description('Address of the key vault.')
output vaultUri string = vault.properties.vaultUri
