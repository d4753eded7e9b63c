"""Other solvers on the same instances, for the bench alone: optional, never imported elsewhere."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable
from typing import Any

from workers.optimiser.routes.instances import Instance

Routes = list[list[int]]
Clock = Callable[[], float]
PEERS = ("pyvrp", "vroom", "ortools")


def is_installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def plan(name: str, instance: Instance, seconds: float, seed: int, clock: Clock) -> Routes:
    """The peer's best routes within the seconds; only PyVRP knows seeds and other clocks."""
    if name == "pyvrp":
        return pyvrp(instance, seconds, seed, clock)
    return vroom(instance, seconds) if name == "vroom" else ortools(instance, seconds)


def pyvrp(instance: Instance, seconds: float, seed: int, clock: Clock = time.monotonic) -> Routes:
    import pyvrp as peer

    depot = peer.Depot(location=0, tw_early=int(instance.ready[0]), tw_late=int(instance.due[0]))
    clients = [
        peer.Client(
            location=c, delivery=[int(instance.demand[c])], service_duration=int(instance.service[c]),
            tw_early=int(instance.ready[c]), tw_late=int(instance.due[c]),
            prize=int(instance.prize[c]), required=not instance.prize[c],
        )
        for c in range(1, len(instance.demand))
    ]  # fmt: skip
    fleet = peer.VehicleType(
        num_available=instance.vehicles, capacity=[instance.capacity],
        tw_early=int(instance.ready[0]), tw_late=int(instance.due[0]),
    )  # fmt: skip
    places = [peer.Location(0, 0) for _ in instance.demand]
    distance: Any = instance.distance
    data = peer.ProblemData(places, clients, [depot], [fleet], [distance], [distance])
    until = clock() + seconds
    found = peer.solve(data, stop=lambda best_cost: clock() >= until, seed=seed, display=False)
    return [[a.idx + 1 for a in r if a.is_client()] for r in found.best.routes()]


def vroom(instance: Instance, seconds: float) -> Routes:
    import vroom as peer

    problem = peer.Input()
    matrix = instance.distance.astype("uint32")
    problem.set_durations_matrix("car", matrix)
    day = peer.TimeWindow(int(instance.ready[0]), int(instance.due[0]))
    for n in range(instance.vehicles):
        problem.add_vehicle(peer.Vehicle(
            n, start=0, end=0, capacity=[instance.capacity], time_window=day, profile="car"
        ))  # fmt: skip
    for c in range(1, len(instance.demand)):
        problem.add_job(peer.Job(
            c, location=c, default_service=int(instance.service[c]),
            delivery=peer.Amount([int(instance.demand[c])]),
            time_windows=[peer.TimeWindow(int(instance.ready[c]), int(instance.due[c]))],
        ))  # fmt: skip
    from datetime import timedelta

    found = problem.solve(exploration_level=5, nb_threads=1, timeout=timedelta(seconds=seconds))
    jobs = found.routes[found.routes["type"] == "job"]
    return [list(map(int, part["id"])) for _, part in jobs.groupby("vehicle_id", sort=True)]


def ortools(instance: Instance, seconds: float) -> Routes:
    """OR-Tools Routing: savings, then guided local search."""
    from ortools.constraint_solver import pywrapcp, routing_enums_pb2

    size = len(instance.demand)
    manager = pywrapcp.RoutingIndexManager(size, instance.vehicles, 0)
    model = pywrapcp.RoutingModel(manager)
    model.SetArcCostEvaluatorOfAllVehicles(model.RegisterTransitMatrix(instance.distance.tolist()))
    time_of = model.RegisterTransitMatrix((instance.distance + instance.service[:, None]).tolist())
    horizon = int(instance.due[0])
    model.AddDimension(time_of, horizon, horizon, False, "time")
    load_of = model.RegisterUnaryTransitVector(instance.demand.tolist())
    model.AddDimension(load_of, 0, instance.capacity, True, "load")
    times = model.GetDimensionOrDie("time")
    for c in range(1, size):
        index = manager.NodeToIndex(c)
        times.CumulVar(index).SetRange(int(instance.ready[c]), int(instance.due[c]))
        if instance.prize[c]:
            model.AddDisjunction([index], int(instance.prize[c]))
    wanted = pywrapcp.DefaultRoutingSearchParameters()
    first, local = (
        routing_enums_pb2.FirstSolutionStrategy,
        routing_enums_pb2.LocalSearchMetaheuristic,
    )
    wanted.first_solution_strategy = first.SAVINGS
    wanted.local_search_metaheuristic = local.GUIDED_LOCAL_SEARCH
    wanted.time_limit.FromMilliseconds(round(seconds * 1000))
    answer = model.SolveWithParameters(wanted)
    return [_route(model, manager, answer, v) for v in range(instance.vehicles)] if answer else []


def _route(model, manager, answer, vehicle: int) -> list[int]:  # type: ignore[no-untyped-def]
    route: list[int] = []
    index = answer.Value(model.NextVar(model.Start(vehicle)))
    while not model.IsEnd(index):
        route.append(manager.IndexToNode(index))
        index = answer.Value(model.NextVar(index))
    return route
