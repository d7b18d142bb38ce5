"""The applications of Entra, whom they trust, and who their service principals are."""
