"""Settings of the product, grouped by concern. Values of the place it runs come from config.env."""

from __future__ import annotations

import base64
import binascii
import logging
import zoneinfo
from typing import Any

from csp.constants import SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from config import env, logs

BASE_DIR = env.BASE_DIR
TENURE_ENV = env.NAME
IS_PRODUCTION = env.IS_PRODUCTION
DEBUG = False

# Zones are those of the pinned tzdata package, the same on every machine; Python would take the
# machine's own files first, which may be years old.
zoneinfo.reset_tzpath(to=())

# --- Secrets and hosts -------------------------------------------------------------------------
SECRET_KEY = env.text(
    "SECRET_KEY",
    "Set it to 50 random characters, the same on every machine of this deployment.",
    default="insecure-key-for-development-and-tests-only-0123456789",
    secret=True,
)
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS", default=[])
LEDGER_SIGNING_KEY = env.text(
    "LEDGER_SIGNING_KEY",
    "Set it to 50 random characters and keep it outside the database.",
    default="insecure-ledger-key-for-development-and-tests-only",
    secret=True,
)
LEDGER_EXPORT_DIR = env.text(
    "LEDGER_EXPORT_DIR",
    "Set it to a folder, shared by all machines of this deployment, that the owner of the database "
    "cannot write to: the checkpoints of the ledger go there.",
    default=str(BASE_DIR / ".local" / "ledger"),
    secret=True,
)
ALLOWED_HOSTS = env.words(
    "ALLOWED_HOSTS",
    "Set it to the host names staff use, separated by commas: tenure.example.com.",
    needed=IS_PRODUCTION,
    default=[] if IS_PRODUCTION else ["127.0.0.1", "localhost", "testserver"],
)
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS", default=[])
PUBLIC_URL = env.address(
    "PUBLIC_URL",
    "Set it to the https address staff and carriers reach this server at.",
    schemes=("https",) if IS_PRODUCTION else ("https", "http"),
    default="http://127.0.0.1:8000",
)

# --- Applications ------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "django_htmx",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "axes",
    "csp",
    "lucide",
    "rules",
    "django_structlog",
    "audit",
    "platforms",
    "memberships",
    "staff",
    "risk",
    "outreach",
    "retention",
    "cancellations",
    "config",
]
MIDDLEWARE = [
    "staff.middleware.Fence",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "staff.middleware.private_pages",
    "staff.middleware.presses_only",
    "staff.middleware.expired_sign_in",
    "staff.middleware.session_limits",
    "staff.middleware.SecondFactor",
    "staff.middleware.storable",
    "staff.middleware.place",
    "staff.middleware.SignInFirst",
    "staff.middleware.Busy",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
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
                "config.context.shell",
            ],
            "builtins": ["config.templatetags.tenure"],
        },
    }
]

# --- PostgreSQL and Redis ----------------------------------------------------------------------
DATABASES = {
    "default": {
        **env.database(
            "DATABASE_URL",
            "Set it to postgres://user:password@host:5432/name, or use `make demo`, "
            "which starts a server of its own.",
        ),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            # Lets risk/prepared.py keep plans; Django's own cursors never prepare a statement.
            "prepare_threshold": 5,
            # Milliseconds. A page never needs 30 s; long jobs raise the limit for themselves.
            "options": "-c statement_timeout=30000 -c lock_timeout=10000 "
            "-c idle_in_transaction_session_timeout=60000 -c timezone=UTC",
        },
    }
}
DATABASE_USER = (DATABASES["default"]["USER"], DATABASES["default"]["PASSWORD"])
# The owner of the tables, for `migrate` alone (config/database.py); None: the same user.
MIGRATE_DATABASE = env.other_database(
    "MIGRATE_DATABASE_URL",
    "Set it to the address of the owner of the tables, or leave it out: then DATABASE_URL names "
    "the owner, who could change the ledger.",
)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = env.address(
    "REDIS_URL",
    "Set it to redis://host:6379/0, or use `make demo`, which starts a server of its own.",
    schemes=("redis", "rediss"),
)
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        # Redis is disposable: a page waits for it two seconds at most.
        "OPTIONS": {"socket_timeout": 2, "socket_connect_timeout": 2},
    }
}

# --- Celery: hints only, the truth is in PostgreSQL --------------------------------------------
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_TIME_LIMIT = 3000
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    # Of a nudge, not of a worker: a broker that is away keeps no page and no webhook waiting. With
    # kombu's own patience each would take 6 s.
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.1,
    "interval_max": 0.1,
    "socket_connect_timeout": 1,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# What somebody waits for, and what may take long: a worker for each, so that a night or a training
# never keeps a webhook, a text or a page's refresh waiting.
CELERY_TASK_DEFAULT_QUEUE = "now"
CELERY_TASK_ROUTES = {
    name: {"queue": "night"}
    for name in (
        "config.tasks.advance_night",
        "memberships.tasks.sync_location",
        "cancellations.tasks.build_call_lists",
        "cancellations.tasks.build_call_list",
        "retention.tasks.draft_plays",
        "risk.tasks.score_members",
        "risk.tasks.score_bookings",
        "risk.tasks.train_weekly",
        "risk.tasks.train_monthly",
        "risk.tasks.train_after_drift",
        "risk.tasks.estimate_uplift",
        "risk.tasks.check_drift",
    )
}
CELERY_TIMEZONE = "UTC"

# --- Language and time -------------------------------------------------------------------------
LANGUAGE_CODE = "en-us"
LANGUAGES = [("en", _("English")), ("es", _("Spanish"))]
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

# --- Files -------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "whitenoise.storage.CompressedManifestStaticFilesStorage"
            if env.NAME in ("production", "demo")
            else "django.contrib.staticfiles.storage.StaticFilesStorage"
        )
    },
}
# Where the files were not collected, they are served from where they lie.
WHITENOISE_AUTOREFRESH = env.NAME not in ("production", "demo")
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH

# --- Sign-in -----------------------------------------------------------------------------------
AUTH_USER_MODEL = "staff.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "rules.permissions.ObjectPermissionBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
if env.NAME == "test":  # made-up passwords need no slow hash
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "sign-in"
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_TEMPLATE = "registration/locked.html"
AXES_USERNAME_CALLABLE = "staff.sign_in.name_tried"
# People who may approve or administer need a second factor; the demo and the tests do without.
SECOND_FACTOR_REQUIRED = env.flag("SECOND_FACTOR_REQUIRED", default=IS_PRODUCTION)

# --- Browser security --------------------------------------------------------------------------
SECURE = env.flag("SECURE", default=IS_PRODUCTION)  # served over https
SESSION_COOKIE_NAME = "__Host-session" if SECURE else "session"
SESSION_COOKIE_SECURE = SECURE
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 12 * 3600
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
# Without anybody's doing the sign-in ends after so long; after SESSION_COOKIE_AGE in any case.
SESSION_IDLE_SECONDS = 60 * env.number("SESSION_IDLE_MINUTES", "Set it to minutes.", default=60)
CSRF_FAILURE_VIEW = "staff.views.token_refused"
CSRF_COOKIE_NAME = "__Host-csrf" if SECURE else "csrf"
CSRF_COOKIE_SECURE = SECURE
SECURE_SSL_REDIRECT = SECURE
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]  # asked from inside, by plain http
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SECURE else None
SECURE_HSTS_SECONDS = 31_536_000 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE
SECURE_HSTS_PRELOAD = SECURE
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": [SELF],
        "frame-ancestors": ["'none'"],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440

# --- The business and its platform -------------------------------------------------------------
BUSINESS_NAME = env.text(
    "BUSINESS_NAME", "Set it to the name guests know.", default="Tenure", secret=True
)
PLATFORM: dict[str, Any] = {
    "kind": env.text("PLATFORM_KIND", "Set it to: zenoti.", default="zenoti"),
    "base_url": env.address(
        "PLATFORM_URL",
        "Set it to the API address of the booking platform.",
        schemes=("https", "http"),
        default="http://127.0.0.1:9100",
    ),
    "api_key": env.text(
        "PLATFORM_API_KEY", "Set it to the platform's API key.", default="sandbox", secret=True
    ),
    # Newest first; two are valid while a secret is being rotated.
    "webhook_secrets": env.words(
        "PLATFORM_WEBHOOK_SECRETS",
        "Set it to the secret that signs the platform's webhooks; two, separated by a comma, "
        "while it is being changed.",
        needed=IS_PRODUCTION,
        default=[] if IS_PRODUCTION else ["sandbox"],
    ),
    "signature_header": env.text(
        "PLATFORM_SIGNATURE_HEADER", "Set it to a header name.", default="Zenoti-Webhook-Signature"
    ),
    "rate_per_minute": env.number(
        "PLATFORM_RATE_PER_MINUTE", "Calls the platform allows in a minute.", default=60
    ),
}
CARRIER: dict[str, Any] = {
    "sms_url": env.address(
        "SMS_URL",
        "Set it to the address of a Twilio-compatible API.",
        schemes=("https", "http"),
        default="http://127.0.0.1:9100",
    ),
    "sms_account": env.text(
        "SMS_ACCOUNT", "Set it to the account id.", default="sandbox", secret=True
    ),
    "sms_token": env.text(
        "SMS_TOKEN", "Set it to the account's token.", default="sandbox", secret=True
    ),
    "sms_from": env.text(
        "SMS_FROM", "Set it to the sending number, +1...", default="+12025550100", secret=True
    ),
    # Whether the carrier takes an idempotency key, and finds a message by our reference.
    "supports_key": env.flag("SMS_SUPPORTS_KEY", default=True),
    "supports_lookup": env.flag("SMS_SUPPORTS_LOOKUP", default=True),
    "timeout_seconds": env.number(
        "SMS_TIMEOUT_SECONDS", "Seconds to wait for the carrier's answer.", default=15
    ),
    # The longest the carrier may still work on a call whose answer we gave up on.
    "settle_seconds": env.number(
        "SMS_SETTLE_SECONDS",
        "Seconds after which the carrier has surely finished with a call.",
        default=60,
    ),
}
# A machine that words sentences of drafts, behind an OpenAI-compatible address; empty: none.
DRAFTING: dict[str, Any] = {
    "url": env.text("DRAFTING_URL", "Set it to the address, such as https://.../v1.", default=""),
    "key": env.text("DRAFTING_KEY", "Set it to the key of that address.", default=""),
    "model": env.text("DRAFTING_MODEL", "Set it to the name of the model.", default=""),
    "seconds": env.number("DRAFTING_SECONDS", "Seconds to wait for an answer.", default=20),
    "at_once": env.number("DRAFTING_AT_ONCE", "How many are asked for at once.", default=2),
    "per_night": env.number(
        "DRAFTING_PER_NIGHT", "How many drafts of a location in a night.", default=200
    ),
}
if bool(DRAFTING["url"]) != bool(DRAFTING["model"]):
    raise ImproperlyConfigured(
        "DRAFTING_URL and DRAFTING_MODEL belong together. Set both, or leave both empty."
    )
# Hosts the one outbound HTTP client may speak to; empty means the hosts of the addresses above.
OUTBOUND_HOSTS = env.words("OUTBOUND_HOSTS", default=[])
EMAIL_BACKEND = env.text(
    "EMAIL_BACKEND",
    "Set it to a Django e-mail backend.",
    default="django.core.mail.backends.smtp.EmailBackend",
)
EMAIL_HOST = env.text("EMAIL_HOST", "Set it to the mail server.", default="127.0.0.1", secret=True)
EMAIL_PORT = env.number(
    "EMAIL_PORT", "Set it to the mail server's port.", default=587 if IS_PRODUCTION else 9125
)
EMAIL_HOST_USER = env.text("EMAIL_USER", "Set it to the account.", default="")
EMAIL_HOST_PASSWORD = env.text("EMAIL_PASSWORD", "Set it to the password.", default="")
EMAIL_USE_TLS = env.flag("EMAIL_TLS", default=IS_PRODUCTION)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.text(
    "FROM_EMAIL", "Set it to the sender guests see.", default="hello@example.test", secret=True
)
POSTAL_ADDRESS = env.text(
    "POSTAL_ADDRESS",
    "Set it to the business's postal address: the law wants it under every e-mail.",
    default="12 Alder Street, Portland, OR 97204",
    secret=True,
)
MAIL: dict[str, Any] = {
    # Whatever is written to reply+...@ this domain is posted to hooks/mail/; empty: answers go to
    # the location's own mailbox.
    "reply_domain": env.text("MAIL_REPLY_DOMAIN", "Set it to the domain.", default="").lower(),
    # Of the mail service's webhook, `whsec_...`; two while one is being changed.
    "hook_secrets": env.words("MAIL_HOOK_SECRETS", default=[]),
}
for _secret in MAIL["hook_secrets"]:
    try:
        base64.b64decode(_secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        raise ImproperlyConfigured(
            "MAIL_HOOK_SECRETS holds something that is no secret of a webhook. "
            "It looks like whsec_ and base64; separate two by a comma."
        ) from None
if MAIL["reply_domain"] and not MAIL["hook_secrets"]:
    raise ImproperlyConfigured(
        "MAIL_REPLY_DOMAIN is set and MAIL_HOOK_SECRETS is not. Answers to e-mails would be "
        "refused: set the secret your mail service signs with, or leave both empty."
    )
# The business's own domains: a text may link to them; to others only where an approved text does.
LINK_DOMAINS = env.words("LINK_DOMAINS", default=[])
# Where members put in a new card: the platform's or the business's own page, https, on a domain of
# LINK_DOMAINS. Empty: texts about payments give the phone number.
PAYMENT_LINK = env.text("PAYMENT_LINK", "Set it to the page for cards.", default="")
# The demo and the tests may move the clock (audit.clock); production never.
CLOCK_MOVABLE = env.NAME in ("demo", "test")

# --- Checks and logs ---------------------------------------------------------------------------
LOG_LEVEL = env.text("LOG_LEVEL", "Set it to INFO or WARNING.", default="INFO")
LOGGING = logs.configure(level=LOG_LEVEL, as_json=IS_PRODUCTION)
DJANGO_STRUCTLOG_CELERY_ENABLED = True
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG
DJANGO_STRUCTLOG_CELERY_TASK_START_LOG_LEVEL = logging.DEBUG
