"""What layers did that run stripe by stripe: their stripes put together."""

from dataclasses import replace

from accelsim.mapping.schedule import Schedule
from accelsim.simulation.activity import Activity
from accelsim.simulation.images import in_turn


def activity_by_layer(activity: Activity, schedule: Schedule) -> Activity:
    """An activity with one entry for each layer of a schedule.

    A layer's cycles are those of its stripes, so that the layers' still add up to the whole; it begins with
    the first and ends with the last of them.

    Args:
        activity: What was observed of the schedule.
        schedule: Whose entries are layers, or stripes of layers.

    Returns:
        The same, where nothing runs stripe by stripe; intervals, waits and what banks hold are of entries.

    Example:
        >>> from accelsim.run import plan_run
        >>> from accelsim.simulation import simulate
        >>> plan = plan_run("squeezenet_v1_1", "16x16_128k")
        >>> activity = simulate(plan.schedule, plan.hardware)
        >>> activity_by_layer(activity, plan.schedule) is activity
        True
    """
    if schedule.striped is None:
        return activity
    of_layers = [[activity.layers[entry] for entry in entries] for entries in schedule.striped.entries_of]
    return replace(
        activity,
        layers=tuple([entries[0] if len(entries) == 1 else in_turn(entries) for entries in of_layers]),
    )
