"""One module per service, thin, on the official SDK; the SDK's exceptions become the core's few errors here."""
