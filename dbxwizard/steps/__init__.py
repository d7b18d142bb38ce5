"""What has to be true, one module per capability, as Steps."""
