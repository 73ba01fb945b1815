"""Who works at the demo's tenants."""

from __future__ import annotations

from apps.operations.demo.names import plain
from apps.operations.demo.schemas import Person, Team
from apps.operations.demo.sources import MavenAgent
from apps.users.enums import PersonRole

# One password for everyone: the demo prints it, and refuses to run in production.
DEMO_PASSWORD = "explore-aisha"  # noqa: S105

_ZONES = {
    "Central": "America/Chicago",
    "East": "America/New_York",
    "West": "America/Los_Angeles",
}

GLOBEX_TEAMS = (
    Team("DACH", "Germany, Austria, Switzerland"),
    Team("Adriatic", "Slovenia, Croatia, Italy"),
)
_GLOBEX_REPS = (
    ("Maja", "Kranjc", "Adriatic"),
    ("Luka", "Zupan", "Adriatic"),
    ("Giulia", "Ferrari", "Adriatic"),
    ("Ivana", "Babić", "Adriatic"),
    ("Jonas", "Weber", "DACH"),
    ("Leonie", "Brandt", "DACH"),
    ("Emir", "Hadžić", "DACH"),
    ("Sophie", "Gruber", "DACH"),
)


def user_name(name: str) -> str:
    """The user name of a person: ``darcel.schlecht``."""
    first, _, last = name.partition(" ")
    return f"{plain(first)}.{plain(last.replace(' ', '-'))}"


def acme_people(agents: list[MavenAgent]) -> tuple[list[Team], list[Person]]:
    """Maven's agents as reps, their managers, and one administrator; a team per manager and region."""
    teams: dict[str, Team] = {}
    people: dict[str, Person] = {}
    for agent in agents:
        team = Team(f"{agent.region}: {agent.manager}", agent.region)
        teams[team.name] = team
        zone = _ZONES[agent.region]
        for name, role in ((agent.manager, PersonRole.MANAGER), (agent.name, PersonRole.REP)):
            people[name] = _person(name, role, team.name, zone)
    people["Ada Quinn"] = _person("Ada Quinn", PersonRole.ADMIN, "")
    return list(teams.values()), list(people.values())


def globex_people() -> tuple[list[Team], list[Person]]:
    """Eight reps in two teams, a manager and an administrator."""
    people = [
        _person(f"{first} {last}", PersonRole.REP, team) for first, last, team in _GLOBEX_REPS
    ]
    people.append(_person("Marko Horvat", PersonRole.MANAGER, GLOBEX_TEAMS[1].name))
    people.append(_person("Nina Oblak", PersonRole.ADMIN, ""))
    return list(GLOBEX_TEAMS), people


def _person(name: str, role: PersonRole, team: str, time_zone: str = "") -> Person:
    first, _, last = name.partition(" ")
    return Person(user_name(name), first, last, role.value, team, time_zone)
