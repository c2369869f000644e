"""The dashboard: pages over the same typed functions as the REST API. `holdfast.dashboard.site` makes its routes.

Nothing is on a page that a script cannot fetch, and every page can be read without JavaScript.
"""
