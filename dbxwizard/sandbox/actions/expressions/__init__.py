"""Expressions of GitHub Actions: what stands between `${{` and `}}`.

Sources: docs.github.com/actions/reference/workflows-and-actions/expressions, and where that page is silent the
evaluators that GitHub publishes: github.com/actions/runner (src/Sdk/DTExpressions2) and
github.com/actions/languageservices (expressions).
"""
