"""Settings, in reading order. Every value from outside comes through ``aisha.environment``."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.urls import reverse

from aisha.api_settings import REST_FRAMEWORK as REST_FRAMEWORK
from aisha.api_settings import SPECTACULAR_SETTINGS as SPECTACULAR_SETTINGS
from aisha.environment import (
    celery_redis_url,
    origin_of,
    parse_database_url,
    parse_email_url,
    read_bool,
    read_int,
    read_list,
    read_text,
)

BASE_DIR = Path(__file__).resolve().parent.parent

# --- Environment -----------------------------------------------------------------------------

AISHA_ENV = read_text("AISHA_ENV", "development")
if AISHA_ENV not in {"development", "test", "production"}:
    raise ImproperlyConfigured(f"AISHA_ENV={AISHA_ENV!r}: use development, test or production.")
IS_PRODUCTION = AISHA_ENV == "production"

DEBUG = read_bool("DJANGO_DEBUG", False)
DEVELOPMENT_SECRET_KEY = "development-only-and-refused-in-production"  # noqa: S105
SECRET_KEY = read_text("DJANGO_SECRET_KEY", None if IS_PRODUCTION else DEVELOPMENT_SECRET_KEY)
if IS_PRODUCTION:
    if DEBUG:
        raise ImproperlyConfigured("DJANGO_DEBUG must be off when AISHA_ENV=production.")
    if SECRET_KEY == DEVELOPMENT_SECRET_KEY or len(SECRET_KEY) < 50:
        raise ImproperlyConfigured("Set DJANGO_SECRET_KEY to 50 or more random characters.")

AISHA_HOME = Path(read_text("AISHA_HOME", str(BASE_DIR / ".aisha")))
PORT = read_int("PORT", 8000)
PUBLIC_HOST = read_text("AISHA_PUBLIC_HOST", "localhost")
ALLOWED_HOSTS = read_list("ALLOWED_HOSTS", [] if IS_PRODUCTION else ["*"])

# --- Applications ----------------------------------------------------------------------------
# Unfold stands before django_tenants and admin: both override admin templates.

SHARED_APPS = [
    "unfold",
    "django_tenants",
    "apps.tenants",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "apps.users",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.admin",
    "django.contrib.staticfiles",
    "apps.audit",
    "django_celery_beat",
]
TENANT_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "apps.users",
    "django.contrib.sessions",
    "django.contrib.admin",
    "apps.audit",
    "apps.crm",
    "apps.execution",
    "apps.brain",
    "apps.predictions",
    "apps.duplicates",
    "apps.triggers",
    "apps.suggestions",
    "apps.assistant",
    "apps.realtime",
]
# Apps without tables: pages, commands and libraries.
TABLELESS_APPS = [
    "apps.dashboard",
    "csp",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
]
INSTALLED_APPS = [
    # First, so that its create_tenant stands before django_tenants' command of that name.
    "apps.operations",
    *SHARED_APPS,
    *(app for app in TENANT_APPS if app not in SHARED_APPS),
    *TABLELESS_APPS,
]

MIDDLEWARE = [
    "apps.operations.middleware.RoomyStackMiddleware",
    "apps.operations.static_files.StaticFileMiddleware",
    "apps.operations.middleware.HealthMiddleware",
    "apps.tenants.middleware.TenantMiddleware",
    "apps.audit.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "apps.operations.middleware.AdminContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "apps.users.middleware.SignInRequiredMiddleware",
    "apps.users.middleware.PersonTimeZoneMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "apps.operations.middleware.FragmentMiddleware",
    "apps.operations.middleware.ErrorPageMiddleware",
]

ROOT_URLCONF = "aisha.urls_tenant"
PUBLIC_SCHEMA_URLCONF = "aisha.urls_public"
ASGI_APPLICATION = "aisha.asgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "apps.dashboard.context_processors.navigation",
            ],
        },
    },
]

# --- Tenancy ---------------------------------------------------------------------------------

TENANT_MODEL = "tenants.Tenant"
TENANT_DOMAIN_MODEL = "tenants.Domain"
TENANT_LIMIT_SET_CALLS = True
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]

# --- Database --------------------------------------------------------------------------------
# Two accounts: the owner makes and migrates schemas; the run-time login owns nothing. manage.py
# picks the owner for the few commands that need it.

DATABASE_URL = read_text("DATABASE_URL", "postgres://aisha_app@localhost/aisha")
DATABASE_OWNER_URL = read_text("DATABASE_OWNER_URL", DATABASE_URL)
DATABASE_ACCOUNT = read_text("AISHA_DATABASE_ACCOUNT", "app")
# Under ASGI each request has a thread of its own, whose connection nobody would use again: it is lent from a
# pool, and who finds it empty waits. A process that answers no requests keeps the one it has.
DATABASE_POOL_SIZE = read_int("DATABASE_POOL_SIZE", 0)
DATABASES = {
    "default": {
        **parse_database_url(DATABASE_OWNER_URL if DATABASE_ACCOUNT == "owner" else DATABASE_URL),
        "CONN_MAX_AGE": 0 if DATABASE_POOL_SIZE else read_int("DATABASE_CONN_MAX_AGE_S", 60),
        "CONN_HEALTH_CHECKS": True,
    }
}
# What is prepared by name (apps/tenants/statements.py) is planned once. The database would rather plan it
# each time, because with the ids of one reader it runs more cheaply; but to plan takes longer than to run.
_given_options = DATABASES["default"]["OPTIONS"].get("options", "")
DATABASES["default"]["OPTIONS"]["options"] = (
    f"{_given_options} -c plan_cache_mode=force_generic_plan".strip()
)
if DATABASE_POOL_SIZE:
    DATABASES["default"]["OPTIONS"]["pool"] = {
        "min_size": min(2, DATABASE_POOL_SIZE),
        "max_size": DATABASE_POOL_SIZE,
        "timeout": read_int("DATABASE_POOL_TIMEOUT_S", 30),
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Broker, cache ---------------------------------------------------------------------------

REDIS_URL = read_text("REDIS_URL", "redis://localhost:6379/0")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        # Keys carry the schema: one tenant's cached value can never answer another's request.
        "KEY_FUNCTION": "django_tenants.cache.make_key",
        "REVERSE_KEY_FUNCTION": "django_tenants.cache.reverse_key",
    }
}

# Messages to open pages. The pages fetch what they show, so a message that is lost delays and loses nothing.
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [{"address": REDIS_URL, "socket_timeout": None}], "prefix": "aisha"},
    }
}

CELERY_BROKER_URL = celery_redis_url(REDIS_URL)
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
# No result is kept, so beat need not clean up after them.
CELERY_RESULT_EXPIRES = None
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 30 * 60
CELERY_TASK_SOFT_TIME_LIMIT = 25 * 60
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# The schedule itself stands in aisha/celery.py, a reason beside each interval.
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_TIMEZONE = "UTC"

# --- Brain ------------------------------------------------------------------------------------
# What tenants use that bring no language model of their own. Nothing is sent anywhere until a tenant has
# switched its model on.

# OpenAI's own address, where no other is named.
OPENAI_URL = "https://api.openai.com/v1"
OPENAI_BASE_URL = read_text("OPENAI_BASE_URL", "")
OPENAI_API_KEY = read_text("OPENAI_API_KEY", "")
OPENAI_MODEL = read_text("OPENAI_MODEL", "gpt-4.1-mini")
# Realtime voice, where it is asked elsewhere than the language model; empty stands for the same.
REALTIME_BASE_URL = read_text("REALTIME_BASE_URL", "")
REALTIME_API_KEY = read_text("REALTIME_API_KEY", "")
REALTIME_MODEL = read_text("REALTIME_MODEL", "gpt-realtime-2.1")
TRANSCRIPTION_MODEL = read_text("TRANSCRIPTION_MODEL", "gpt-4o-mini-transcribe")
# How many calls one person, and one tenant, may begin in a minute.
REALTIME_TOKENS_PER_MINUTE = read_int("REALTIME_TOKENS_PER_MINUTE", 6)
REALTIME_TOKENS_PER_MINUTE_OF_TENANT = read_int("REALTIME_TOKENS_PER_MINUTE_OF_TENANT", 60)
# Events of calls that one person's pages may tell in a second: beyond it what comes in floods is left out,
# beyond twice as many all but what a call's row follows from.
REALTIME_EVENTS_PER_SECOND = read_int("REALTIME_EVENTS_PER_SECOND", 400)
# Calls to models that are under way at once, of all tenants and workers.
BRAIN_CONCURRENCY = read_int("BRAIN_CONCURRENCY", 32)
# Hosts inside the operator's network that a tenant may name as its model's address.
BRAIN_PRIVATE_HOSTS = read_list("BRAIN_PRIVATE_HOSTS", [])
# What seals tenants' keys, the newest first; without it, the secret key does.
SECRET_SEALING_KEYS = read_list("AISHA_SEALING_KEYS", [])
if IS_PRODUCTION and any(len(key) < 32 for key in SECRET_SEALING_KEYS):
    raise ImproperlyConfigured("Each of AISHA_SEALING_KEYS needs 32 or more random characters.")

# --- Webhooks ---------------------------------------------------------------------------------

# Whether an endpoint may stand on this machine, over plain HTTP too: to try receivers in development.
WEBHOOKS_TO_LOOPBACK = read_bool("WEBHOOKS_TO_LOOPBACK", False)
if IS_PRODUCTION and WEBHOOKS_TO_LOOPBACK:
    raise ImproperlyConfigured("WEBHOOKS_TO_LOOPBACK must be off when AISHA_ENV=production.")
# For how many days a message is kept after it was delivered; news are a week old at most.
WEBHOOK_KEEP_DAYS = read_int("WEBHOOK_KEEP_DAYS", 30)
if WEBHOOK_KEEP_DAYS < 8:
    raise ImproperlyConfigured("WEBHOOK_KEEP_DAYS is 8 or more.")

# --- People ----------------------------------------------------------------------------------

AUTH_USER_MODEL = "users.User"
AUTHENTICATION_BACKENDS = ["apps.users.backends.RoleBackend"]
LOGIN_URL = "users:sign_in"
LOGIN_REDIRECT_URL = "dashboard:today"
LOGOUT_REDIRECT_URL = "users:sign_in"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
if AISHA_ENV == "test":
    # Real hashing costs 0.2 s a user; no test is about its strength.
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# --- Language and time -----------------------------------------------------------------------

LANGUAGE_CODE = "en"
USE_I18N = False
FORMAT_MODULE_PATH = ["aisha.formats"]
USE_TZ = True
TIME_ZONE = "UTC"

# --- Files -----------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = Path(read_text("STATIC_ROOT", str(AISHA_HOME / "static")))
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = Path(read_text("MEDIA_ROOT", str(AISHA_HOME / "files")))
STORAGES = {
    "default": {"BACKEND": "django_tenants.files.storage.TenantFileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if IS_PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage",
    },
}
WHITENOISE_USE_FINDERS = not IS_PRODUCTION
WHITENOISE_AUTOREFRESH = AISHA_ENV == "development" and DEBUG

# --- Security --------------------------------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF, origin_of(REALTIME_BASE_URL or OPENAI_BASE_URL or OPENAI_URL)],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = int(timedelta(days=14).total_seconds())
CSRF_COOKIE_HTTPONLY = True
CSRF_USE_SESSIONS = False
if IS_PRODUCTION:
    # Plain HTTP may be switched on for a smoke test on loopback, never by default.
    IS_HTTPS = read_bool("AISHA_HTTPS", True)
    SESSION_COOKIE_SECURE = IS_HTTPS
    CSRF_COOKIE_SECURE = IS_HTTPS
    SECURE_SSL_REDIRECT = IS_HTTPS
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds()) if IS_HTTPS else 0
    SECURE_HSTS_INCLUDE_SUBDOMAINS = IS_HTTPS
    SECURE_HSTS_PRELOAD = IS_HTTPS
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
    CSRF_TRUSTED_ORIGINS = read_list("CSRF_TRUSTED_ORIGINS", [])

# --- Mail ------------------------------------------------------------------------------------
# Without a server, development keeps its mails in a folder, which the mailbox page shows; production sends
# none and says so.

EMAIL_URL = read_text("EMAIL_URL", "")
EMAIL_TIMEOUT = read_int("EMAIL_TIMEOUT_S", 10)
DEFAULT_FROM_EMAIL = read_text("EMAIL_FROM", f"AiSHA <aisha@{PUBLIC_HOST}>")
EMAIL_FILE_PATH = AISHA_HOME / "mail"
HAS_MAILBOX = AISHA_ENV == "development" and not EMAIL_URL
SENDS_MAIL = bool(EMAIL_URL) or not IS_PRODUCTION
if EMAIL_URL:
    _mail_server = parse_email_url(EMAIL_URL)
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    EMAIL_HOST = _mail_server.host
    EMAIL_PORT = _mail_server.port
    EMAIL_HOST_USER = _mail_server.user
    EMAIL_HOST_PASSWORD = _mail_server.password
    EMAIL_USE_TLS = _mail_server.is_starttls
    EMAIL_USE_SSL = _mail_server.is_tls
elif HAS_MAILBOX:
    EMAIL_BACKEND = "apps.operations.mailbox.folder.MailFolderBackend"
elif IS_PRODUCTION:
    EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
else:
    EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
# How links in mails begin, before the tenant's host name; port 0 is the scheme's own.
LINK_SCHEME = "https" if IS_PRODUCTION and IS_HTTPS else "http"
LINK_PORT = read_int("AISHA_LINK_PORT", 0 if IS_PRODUCTION else PORT)

# --- Requests --------------------------------------------------------------------------------

# A larger upload streams to disk; the import itself refuses above its own limit.
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
REQUEST_MAX_BYTES = read_int("REQUEST_MAX_BYTES", 10 * 1024 * 1024)
IMPORT_MAX_BYTES = read_int("IMPORT_MAX_BYTES", 200 * 1024 * 1024)
# For how many days the files of an import are kept after its end: a list of problems until somebody has
# mended them, an upload that was not imported until somebody has tried again.
IMPORT_PROBLEMS_KEEP_DAYS = read_int("IMPORT_PROBLEMS_KEEP_DAYS", 30)
IMPORT_UPLOAD_KEEP_DAYS = read_int("IMPORT_UPLOAD_KEEP_DAYS", 1)

# Who collects /metrics brings this as a bearer token; without one there is no such page.
METRICS_TOKEN = read_text("METRICS_TOKEN", "")

# --- API -------------------------------------------------------------------------------------

# Calls a minute for each token, or signed-in person, and for all of a tenant; 0 is no limit. Tests call as
# often as they like.
API_CALLS_PER_MINUTE = read_int("API_CALLS_PER_MINUTE", 0 if AISHA_ENV == "test" else 600)
API_CALLS_PER_MINUTE_OF_TENANT = read_int(
    "API_CALLS_PER_MINUTE_OF_TENANT", 0 if AISHA_ENV == "test" else 6000
)

# --- Admin -----------------------------------------------------------------------------------

# Both sites (aisha/sites.py) look alike. Fonts, icons and scripts are Unfold's own static files; the
# navigation follows the sites' tables. The accent is that of static/css/aisha.css.

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "AiSHA",
    "SITE_HEADER": "AiSHA",
    "SITE_SUBHEADER": lambda request: request.tenant.name,
    # The account's menu leads back to the application and to the person's own page.
    "SITE_URL": "/",
    "ACCOUNT": {
        "navigation": [
            {"title": "My profile", "link": lambda request: reverse("users:profile")},
        ]
    },
    "SITE_ICON": lambda request: static("img/aisha.svg"),
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("img/aisha.svg")}
    ],
    "STYLES": [lambda request: static("css/admin.css")],
    # Our audit log takes the place of Django's log of admin actions.
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": True,
    "SHOW_BACK_BUTTON": True,
    "BORDER_RADIUS": "6px",
    "COLORS": {
        "primary": {
            "50": "#f5f8fe",
            "100": "#eaf0fd",
            "200": "#d0ddfa",
            "300": "#b0c8ff",
            "400": "#8fb1ff",
            "500": "#5b86ee",
            "600": "#2b59c9",
            "700": "#1f469f",
            "800": "#1b3a80",
            "900": "#1e2a45",
            "950": "#0d1730",
        }
    },
}
UNFOLD_OPERATOR: dict[str, Any] = {
    **UNFOLD,
    "SITE_TITLE": "AiSHA operator",
    "SITE_SUBHEADER": "Operator",
    "ACCOUNT": {
        "navigation": [
            {"title": "Change password", "link": lambda request: reverse("admin:password_change")},
        ]
    },
}

# --- Logs ------------------------------------------------------------------------------------

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"context": {"()": "apps.audit.logs.ContextFilter"}},
    "formatters": {
        "json": {
            "()": "pythonjsonlogger.json.JsonFormatter",
            "fmt": "%(asctime)s %(levelname)s %(name)s %(message)s",
            "rename_fields": {"asctime": "time", "levelname": "level", "name": "logger"},
        },
        "plain": {"format": "{levelname} {name} [{tenant}] {message}", "style": "{"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "plain" if read_text("LOG_FORMAT", "json") == "plain" else "json",
            "filters": ["context"],
        }
    },
    "root": {"handlers": ["console"], "level": read_text("LOG_LEVEL", "INFO")},
    "loggers": {
        "django.server": {"handlers": ["console"], "propagate": False},
        "uvicorn": {"handlers": ["console"], "propagate": False},
        "uvicorn.access": {"handlers": ["console"], "propagate": False, "level": "WARNING"},
    },
}
