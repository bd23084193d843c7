"""What the simulated business is made of: places, services, plans, reasons, fixed word lists."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SLOT_MINUTES = 30
FIRST_SLOT_HOUR = 9  # slot 0 starts at 09:00 local time
SLOTS = 22  # the last one starts at 19:30


@dataclass(frozen=True)
class Center:
    """A location. `notice_hours`: a cancellation later than this is a late one."""

    name: str
    code: str
    kind: str
    zone: str
    city: str
    state: str
    area_codes: tuple[int, ...]
    notice_hours: int = 24


NEW_YORK, CHICAGO, DENVER = "America/New_York", "America/Chicago", "America/Denver"
PHOENIX, LOS_ANGELES = "America/Phoenix", "America/Los_Angeles"

# name, code, kind, zone, state, area codes. The first three are the demo's.
CITIES = (
    ("New York", "NYC", "spa", NEW_YORK, "NY", (212, 332, 646, 718, 917, 929)),
    ("Chicago", "CHI", "spa", CHICAGO, "IL", (312, 773, 872, 630, 847, 224)),
    ("Denver", "DEN", "medspa", DENVER, "CO", (303, 720, 719, 970, 983)),
    ("Phoenix", "PHX", "spa", PHOENIX, "AZ", (480, 602, 623, 520)),
    ("Los Angeles", "LAX", "medspa", LOS_ANGELES, "CA", (213, 310, 323, 424, 818)),
    ("Seattle", "SEA", "spa", LOS_ANGELES, "WA", (206, 253, 360, 425)),
    ("Boston", "BOS", "spa", NEW_YORK, "MA", (617, 857, 781, 508)),
    ("Dallas", "DAL", "medspa", CHICAGO, "TX", (214, 469, 972, 817)),
    ("Miami", "MIA", "spa", NEW_YORK, "FL", (305, 786, 954, 561)),
    ("Atlanta", "ATL", "spa", NEW_YORK, "GA", (404, 470, 678, 770)),
    ("Portland", "PDX", "spa", LOS_ANGELES, "OR", (503, 971, 541, 458)),
    ("Austin", "AUS", "medspa", CHICAGO, "TX", (512, 737, 254, 361)),
    ("Minneapolis", "MSP", "spa", CHICAGO, "MN", (612, 651, 763, 952)),
    ("San Diego", "SAN", "spa", LOS_ANGELES, "CA", (619, 858, 760, 442)),
    ("Salt Lake City", "SLC", "spa", DENVER, "UT", (801, 385, 435)),
    ("Philadelphia", "PHL", "spa", NEW_YORK, "PA", (215, 267, 484, 610)),
    ("Nashville", "BNA", "medspa", CHICAGO, "TN", (615, 629, 931)),
)
QUARTERS = (
    "Midtown", "Lakeside", "Park", "Harbor", "Garden", "Union", "Hillcrest", "Riverside",
    "Old Town", "Northgate",
)  # fmt: skip


def centers(count: int) -> list[Center]:
    """The first `count` locations; beyond the list of cities a city gets further quarters."""
    result = []
    for index in range(count):
        city, code, kind, zone, state, areas = CITIES[index % len(CITIES)]
        lap, quarter = index // len(CITIES), QUARTERS[index % len(QUARTERS)]
        if lap:
            quarter = QUARTERS[(index + 3 * lap) % len(QUARTERS)]
        name = f"{quarter} {'Med Spa' if kind == 'medspa' else 'Spa'} {city}"
        notice = 48 if kind == "medspa" else 24
        result.append(
            Center(name, f"{code}{lap + 1}", kind, zone, city, state, areas, notice),
        )
    return result


@dataclass(frozen=True)
class Service:
    name: str
    category: int
    minutes: int
    price_cents: int
    weight: float
    addon: bool = False


CATEGORIES = ("Massage", "Face", "Body", "Nails", "Waxing", "Injectables")
MASSAGE, FACE, BODY, NAILS, WAXING, INJECTABLES = range(6)
SERVICES = (
    Service("Signature Massage 60", MASSAGE, 60, 11500, 5),
    Service("Signature Massage 90", MASSAGE, 90, 16000, 2),
    Service("Deep Tissue 60", MASSAGE, 60, 12500, 3),
    Service("Hot Stone 90", MASSAGE, 90, 17500, 1),
    Service("Facial 60", FACE, 60, 12000, 5),
    Service("Express Facial 30", FACE, 30, 7000, 2),
    Service("Hydrating Facial 90", FACE, 90, 18500, 2),
    Service("Body Wrap 90", BODY, 90, 16500, 2),
    Service("Salt Scrub 60", BODY, 60, 11000, 2),
    Service("Manicure", NAILS, 30, 4500, 3),
    Service("Pedicure", NAILS, 60, 6500, 3),
    Service("Gel Set", NAILS, 90, 8500, 1),
    Service("Brow Wax", WAXING, 30, 2800, 3),
    Service("Leg Wax", WAXING, 60, 7500, 2),
    Service("Wrinkle Relaxer", INJECTABLES, 30, 36000, 4),
    Service("Lip Filler", INJECTABLES, 60, 68000, 2),
    Service("Laser Session", INJECTABLES, 60, 29000, 3),
    Service("Scalp Massage", MASSAGE, 30, 3500, 0, addon=True),
    Service("Eye Treatment", FACE, 30, 4000, 0, addon=True),
    Service("Paraffin Hands", NAILS, 30, 2500, 0, addon=True),
)
# Columns of SERVICES by service id - 1, ready to index with arrays.
CATEGORY_OF = np.array([service.category for service in SERVICES], "i2")
MINUTES_OF = np.array([service.minutes for service in SERVICES], "i2")
PRICE_OF = np.array([service.price_cents for service in SERVICES], "i4")
WEIGHT_OF = np.array([service.weight for service in SERVICES], "f4")
ADDONS = np.array([i + 1 for i, service in enumerate(SERVICES) if service.addon], "i4")


@dataclass(frozen=True)
class Plan:
    """`benefits` services of `service` per period (recurring) or in all (a package).

    `months`: length of a period for a recurring plan, of the whole contract otherwise.
    """

    code: str
    name: str
    price_cents: int
    recurring: bool
    months: int
    service: int
    benefits: int
    credit_cents: int
    on_sale: bool
    weight: float
    kind: str = ""


PLANS = (
    Plan("CALM", "Calm Monthly", 7900, True, 1, 1, 1, 0, True, 5),
    Plan("GLOW", "Glow Monthly", 8900, True, 1, 5, 1, 0, True, 5),
    Plan("BALANCE", "Balance Monthly", 14900, True, 1, 1, 2, 0, True, 2.5),
    Plan("RITUAL", "Ritual Monthly", 21900, True, 1, 5, 2, 5000, True, 1),
    Plan("POLISH", "Polish Monthly", 5900, True, 1, 11, 1, 0, True, 2),
    Plan("RADIANCE", "Radiance Club", 19900, True, 1, 15, 0, 20000, True, 4, "medspa"),
    Plan("SEASON", "Season Pass", 19900, True, 3, 5, 3, 0, True, 1),
    Plan("PACK10", "Massage Package of 10", 95000, False, 12, 1, 10, 0, True, 1),
    Plan("YEAR", "Annual Circle", 89000, False, 12, 5, 12, 0, True, 0.8),
    Plan("FOUNDER", "Founders Monthly", 6500, True, 1, 1, 1, 0, False, 0.6),
)
PLAN_PRICE = np.array([plan.price_cents for plan in PLANS], "i4")
PLAN_RECURRING = np.array([plan.recurring for plan in PLANS])
PLAN_MONTHS = np.array([plan.months for plan in PLANS], "i4")
PLAN_BENEFITS = np.array([plan.benefits for plan in PLANS], "i4")
PLAN_CREDITS = np.array([plan.credit_cents for plan in PLANS], "i4")
PLAN_CATEGORY = np.array([SERVICES[plan.service - 1].category for plan in PLANS], "i2")

# Causes of leaving, as the oracle names them; the order is the number stored.
CAUSES = (
    "none", "non_use", "dissatisfaction", "price", "moved_away", "therapist_left", "injury",
    "other", "payment",
)  # fmt: skip
(
    NO_CAUSE, NON_USE, DISSATISFACTION, PRICE, MOVED_AWAY, THERAPIST_LEFT, INJURY, OTHER_CAUSE,
    PAYMENT,
) = range(9)  # fmt: skip

RESPONSES = ("persuadable", "sure_thing", "lost_cause", "do_not_disturb")
PERSUADABLE, SURE_THING, LOST_CAUSE, DO_NOT_DISTURB = range(4)

# Reason lists of endpoint 13: (name, object_type, action_type).
REASONS = (
    ("Not using it enough", 0, 4), ("Unhappy with service", 0, 4), ("Too expensive", 0, 4),
    ("Moving away", 0, 4), ("Therapist left", 0, 4), ("Medical", 0, 4), ("Other", 0, 4),
    ("Payment failed", 0, 4), ("Travelling", 0, 3), ("Medical pause", 0, 3),
    ("Illness", 2, 1), ("Work", 2, 1), ("Childcare", 2, 1), ("Weather or traffic", 2, 1),
    ("Forgot", 2, 1), ("Found another time", 2, 1), ("No reason given", 2, 1),
    ("Fully booked", 1, 1), ("Booked by mistake", 3, 1), ("Courtesy", 4, 1),
)  # fmt: skip
# Reason of a cancelled membership by cause.
REASON_OF_CAUSE = np.array([7, 1, 2, 3, 4, 5, 6, 7, 8], "i2")
CANCEL_REASONS = np.arange(11, 18)
ILLNESS, NO_REASON = 11, 17
CANCEL_REASON_WEIGHTS = np.array([0.2, 0.24, 0.1, 0.08, 0.05, 0.13, 0.2])

# Status numbers of the wire (appointments and memberships).
NO_SHOW, CANCELLED, NEW, CLOSED, CONFIRMED = -2, -1, 0, 1, 4
M_ACTIVE, M_FROZEN, M_CANCELLED, M_EXPIRED, M_SUSPENDED, M_FAILED = 1, 3, 4, 5, 8, 12

# Decline codes of a charge; the hard ones cannot be cured by trying again.
DECLINES = ("", "insufficient_funds", "do_not_honor", "expired_card", "lost_card")
FUNDS, HONOR, EXPIRED, LOST = 1, 2, 3, 4
CHARGE_OPEN, CHARGE_PAID, CHARGE_VOID = 0, 4, 99

BOOKING_SOURCES = ("Business Application", "External-Webstore", "External-CMA", "Bot", "Phone")
DESK, WEBSTORE, APP, BOT, PHONE = range(5)

COMMENTS = {
    1: (
        "The room was cold and we started twenty minutes late. Very disappointed.",
        "Nobody listened when I said the pressure hurt.",
        "Rushed from start to finish. Not what I pay for every month.",
        "My therapist has left and nobody told me.",
    ),
    2: (
        "It used to be better. The last two visits felt hurried.",
        "Front desk was short with me about my credits.",
        "Too hard to get a time that works after six.",
    ),
    3: (
        "Fine, nothing special.",
        "Good treatment, but parking is a pain.",
        "OK. The price keeps going up though.",
    ),
    4: (
        "Lovely hour, a little noisy outside.",
        "Very good, will come again.",
        "Great hands. Would like more evening times.",
    ),
    5: (
        "Best massage I have had in years!",
        "Always leave feeling like a new person.",
        "Wonderful as always, thank you.",
        "Mi piel nunca estuvo mejor. Gracias!",
    ),
}
WAITLIST_COMMENTS = ("", "Any day after work", "Mornings only please", "Only with my therapist")
