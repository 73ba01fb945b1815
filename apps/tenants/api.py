"""What every API list shares."""

from rest_framework.pagination import PageNumberPagination


class PagePagination(PageNumberPagination):
    """Numbered pages of 50 rows, up to 200 on request."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200
