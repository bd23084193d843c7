"""Where a guest may be at this hour: from the platform, from the location, from the phone number.

A number travels with its owner and a guest may live elsewhere than where they are treated, so
nothing here overrules the rest: whoever asks about the hour asks for every place that is possible.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import phonenumbers

EASTERN, CENTRAL = "America/New_York", "America/Chicago"
MOUNTAIN, PACIFIC = "America/Denver", "America/Los_Angeles"
BOISE, PHOENIX = "America/Boise", "America/Phoenix"

# State: its name, the zone of most of it, its area codes (North American Numbering Plan).
STATES: dict[str, tuple[str, str, str]] = {
    "AL": ("Alabama", CENTRAL, "205 251 256 334 659 938"),
    "AK": ("Alaska", "America/Anchorage", "907"),
    "AZ": ("Arizona", PHOENIX, "480 520 602 623 928"),
    "AR": ("Arkansas", CENTRAL, "327 479 501 870"),
    "CA": (
        "California",
        PACIFIC,
        "209 213 279 310 323 341 350 357 369 408 415 424 442 510 530 559 562 619 626 628 650 657 "
        "661 669 707 714 738 747 760 805 818 820 831 837 840 858 909 916 925 949 951",
    ),
    "CO": ("Colorado", MOUNTAIN, "303 719 720 748 970 983"),
    "CT": ("Connecticut", EASTERN, "203 475 860 959"),
    "DC": ("District of Columbia", EASTERN, "202 771"),
    "DE": ("Delaware", EASTERN, "302"),
    "FL": (
        "Florida",
        EASTERN,
        "239 305 321 324 352 386 407 448 561 645 656 689 727 728 754 772 786 813 850 863 904 941 "
        "954",
    ),
    "GA": ("Georgia", EASTERN, "229 404 470 478 678 706 762 770 912 943"),
    "HI": ("Hawaii", "Pacific/Honolulu", "808"),
    "IA": ("Iowa", CENTRAL, "319 515 563 641 712"),
    "ID": ("Idaho", BOISE, "208 986"),
    "IL": (
        "Illinois",
        CENTRAL,
        "217 224 309 312 331 447 464 618 630 708 730 773 779 815 847 861 872",
    ),
    "IN": ("Indiana", "America/Indiana/Indianapolis", "219 260 317 463 574 765 812 930"),
    "KS": ("Kansas", CENTRAL, "316 620 785 913"),
    "KY": ("Kentucky", EASTERN, "270 364 502 606 859"),
    "LA": ("Louisiana", CENTRAL, "225 318 337 457 504 985"),
    "MA": ("Massachusetts", EASTERN, "339 351 413 508 617 774 781 857 978"),
    "MD": ("Maryland", EASTERN, "227 240 301 410 443 667"),
    "ME": ("Maine", EASTERN, "207"),
    "MI": ("Michigan", "America/Detroit", "231 248 269 313 517 586 616 679 734 810 906 947 989"),
    "MN": ("Minnesota", CENTRAL, "218 320 507 612 651 763 924 952"),
    "MO": ("Missouri", CENTRAL, "235 314 417 557 573 636 660 816 975"),
    "MS": ("Mississippi", CENTRAL, "228 471 601 662 769"),
    "MT": ("Montana", MOUNTAIN, "406"),
    "NC": ("North Carolina", EASTERN, "252 336 472 704 743 828 910 919 980 984"),
    "ND": ("North Dakota", CENTRAL, "701"),
    "NE": ("Nebraska", CENTRAL, "308 402 531"),
    "NH": ("New Hampshire", EASTERN, "603"),
    "NJ": ("New Jersey", EASTERN, "201 551 609 640 732 848 856 862 908 973"),
    "NM": ("New Mexico", MOUNTAIN, "505 575"),
    "NV": ("Nevada", PACIFIC, "702 725 775"),
    "NY": (
        "New York",
        EASTERN,
        "212 315 329 332 347 363 465 516 518 585 607 624 631 646 680 716 718 838 845 914 917 929 "
        "934",
    ),
    "OH": ("Ohio", EASTERN, "216 220 234 283 326 330 380 419 436 440 513 567 614 740 937"),
    "OK": ("Oklahoma", CENTRAL, "405 539 572 580 918"),
    "OR": ("Oregon", PACIFIC, "458 503 541 971"),
    "PA": ("Pennsylvania", EASTERN, "215 223 267 272 412 445 484 570 582 610 717 724 814 835 878"),
    "RI": ("Rhode Island", EASTERN, "401"),
    "SC": ("South Carolina", EASTERN, "803 821 839 843 854 864"),
    "SD": ("South Dakota", CENTRAL, "605"),
    "TN": ("Tennessee", CENTRAL, "423 615 629 729 731 865 901 931"),
    "TX": (
        "Texas",
        CENTRAL,
        "210 214 254 281 325 346 361 409 430 432 469 512 621 682 713 726 737 806 817 830 832 903 "
        "915 936 940 945 956 972 979",
    ),
    "UT": ("Utah", MOUNTAIN, "385 435 801"),
    "VA": ("Virginia", EASTERN, "276 434 540 571 686 703 757 804 826 948"),
    "VT": ("Vermont", EASTERN, "802"),
    "WA": ("Washington", PACIFIC, "206 253 360 425 509 564"),
    "WI": ("Wisconsin", CENTRAL, "262 274 353 414 534 608 715 920"),
    "WV": ("West Virginia", EASTERN, "304 681"),
    "WY": ("Wyoming", MOUNTAIN, "307"),
}
# Area codes whose phones keep another clock than most of the state, or two of them.
OTHER_CLOCKS: dict[str, tuple[str, ...]] = {
    "850": (EASTERN, CENTRAL), "448": (EASTERN, CENTRAL),
    "219": (CENTRAL,),
    "574": ("America/Indiana/Indianapolis", "America/Indiana/Knox"),
    "812": ("America/Indiana/Indianapolis", "America/Indiana/Tell_City"),
    "930": ("America/Indiana/Indianapolis", "America/Indiana/Tell_City"),
    "270": (EASTERN, CENTRAL), "364": (EASTERN, CENTRAL), "606": (EASTERN, CENTRAL),
    "423": (EASTERN, CENTRAL), "729": (EASTERN, CENTRAL), "865": (EASTERN,),
    "931": (EASTERN, CENTRAL),
    "906": ("America/Detroit", "America/Menominee"),
    "701": (CENTRAL, MOUNTAIN), "605": (CENTRAL, MOUNTAIN), "308": (CENTRAL, MOUNTAIN),
    "785": (CENTRAL, MOUNTAIN), "620": (CENTRAL, MOUNTAIN),
    "915": (MOUNTAIN,), "432": (CENTRAL, MOUNTAIN),
    "208": (BOISE, PACIFIC), "986": (BOISE, PACIFIC), "541": (PACIFIC, BOISE),
    "458": (PACIFIC, BOISE), "775": (PACIFIC, MOUNTAIN), "928": (PHOENIX, MOUNTAIN),
    "907": ("America/Anchorage", "America/Adak"),
}  # fmt: skip
# Federal law holds there too.
TERRITORIES = {"PR", "VI", "GU", "MP", "AS"}
STATE_OF = {area: state for state, (_, _, areas) in STATES.items() for area in areas.split()}
_STATE_NAMED = {name.lower(): state for state, (name, _, _) in STATES.items()}


@dataclass(frozen=True)
class Place:
    """Everything that decides the hours of one guest on one channel. Equal places have equal
    hours, so that the hour is worked out once for many guests."""

    zone_name: str  # the guest's own where the platform knows it, else the location's
    country: str
    region: str  # of the location: a state
    dialling: str  # the beginning of the phone number that says where it is from
    kind: str  # what the hours of the law are asked for

    @property
    def key(self) -> str:
        """As the claim statement builds it from its columns (outreach.gate.conditions)."""
        return "|".join((self.zone_name, self.country, self.region, self.dialling, self.kind))

    @classmethod
    def of_key(cls, key: str) -> Place:
        """The place a key stands for."""
        zone_name, country, rest = key.split("|", 2)
        return cls(zone_name, country, *rest.rsplit("|", 2))

    @property
    def zone_names(self) -> tuple[str, ...]:
        """The clocks the guest may live by. All of them count."""
        return tuple(dict.fromkeys((self.zone_name, *number_zones(self.dialling))))

    @property
    def jurisdictions(self) -> frozenset[str]:
        """Countries and states whose hours apply: US, US-FL, ES."""
        found = {self.country} if self.country else set()
        state = state_code(self.region) if self.country == "US" else self.region
        if self.country and state:
            found.add(f"{self.country}-{state}")
        return frozenset(found | number_jurisdictions(self.dialling))


# What the hours are asked for. The hours of the law are about telephones: an e-mail waits in
# silence, and keeps to the business's own hours only.
MARKETING, SERVICE, MAIL = "marketing", "service", "mail"


def kind_of(channel: str, *, is_marketing: bool) -> str:
    """Which hours a message must keep to."""
    return MAIL if channel == "email" else MARKETING if is_marketing else SERVICE


def dialling_of(phone: str) -> str:
    """The part of a number in E.164 that says where it is from: area code in North America,
    else the country code with what follows it."""
    return phone[:5] if phone.startswith("+1") else phone[:4]


def state_code(region: str) -> str:
    """FL for FL, fl and Florida; empty for what is no state."""
    text = region.strip()
    return text.upper() if text.upper() in STATES else _STATE_NAMED.get(text.lower(), "")


@lru_cache(maxsize=2048)
def number_zones(dialling: str) -> tuple[str, ...]:
    """The zones a number may be in; none when it does not say (toll-free, unknown)."""
    area = dialling[2:]
    if dialling.startswith("+1") and area in STATE_OF:
        return OTHER_CLOCKS.get(area, (STATES[STATE_OF[area]][1],))
    return tuple(sorted(z for c in _countries(dialling) for z in _zones_of_country().get(c, ())))


@lru_cache(maxsize=2048)
def number_jurisdictions(dialling: str) -> frozenset[str]:
    """Country and state of a number."""
    area = dialling[2:]
    if dialling.startswith("+1") and area in STATE_OF:
        return frozenset({"US", f"US-{STATE_OF[area]}"})
    countries = frozenset(_countries(dialling))
    is_american = dialling.startswith("+1") and (not countries or countries & TERRITORIES)
    return countries | ({"US"} if is_american else frozenset())


def _countries(dialling: str) -> tuple[str, ...]:
    """Countries that a beginning of a number belongs to."""
    if dialling.startswith("+1"):
        area = dialling[2:]
        if len(area) != 3 or not area.isdigit():
            return ()
        number = phonenumbers.PhoneNumber(
            country_code=1, national_number=int(area) * 10_000_000 + 5_550_100
        )
        country = phonenumbers.region_code_for_number(number)
        # A number that is merely American (toll-free, or an area code not known here) says
        # nothing about the hour.
        return (country,) if country and country != "US" else ()
    for digits in (1, 2, 3):
        code = dialling[1 : 1 + digits]
        if code.isdigit() and len(code) == digits:
            regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(code), ())
            if regions:
                return tuple(region for region in regions if region != "001")
    return ()


@lru_cache(maxsize=1)
def _zones_of_country() -> dict[str, tuple[str, ...]]:
    """Country to its zones, from the pinned time zone data."""
    found: dict[str, tuple[str, ...]] = {}
    table = resources.files("tzdata").joinpath("zoneinfo", "zone.tab").read_text("utf-8")
    for line in table.splitlines():
        if line and not line.startswith("#"):
            country, _, zone = line.split("\t")[:3]
            found[country] = (*found.get(country, ()), zone)
    return found


@lru_cache(maxsize=1)
def country_names() -> dict[str, str]:
    """Country codes and their English names, from the pinned time zone data."""
    table = resources.files("tzdata").joinpath("zoneinfo", "iso3166.tab").read_text("utf-8")
    rows = (line.split("\t")[:2] for line in table.splitlines() if line and line[0] != "#")
    return dict(sorted(((code, name) for code, name in rows), key=lambda pair: pair[1]))


def place_name(jurisdiction: str) -> str:
    """A jurisdiction in words: Florida, Spain; the code where no name is known."""
    country, _, state = jurisdiction.partition("-")
    if country == "US" and state in STATES:
        return STATES[state][0]
    name = country_names().get(country, country)
    return f"{name}, {state}" if state else name
