"""What explanations and sweeps say of a host."""

from machines import with_host

from accelsim.run import run_network
from accelsim.search.changes import HostChange
from accelsim.search.explain import explain_network
from accelsim.search.words import change_words

NETWORK = "squeezenet_v1_1@resolution=64"
HOSTED = with_host(
    name="cortex",
    takes=["softmax", "global_average_pool", "max_pool"],
    elements_per_cycle=0.5,
    cycles_per_call=1000,
)


def test_explain_tells_what_a_faster_host_gains():
    result = run_network(NETWORK, HOSTED)
    explained = explain_network(NETWORK, HOSTED)
    outcome = next(outcome for outcome in explained.outcomes if isinstance(outcome.remedy.change, HostChange))
    assert change_words(outcome.remedy.change) == "cortex in half the time"
    assert outcome.result.cycles < result.cycles
    assert outcome.result.cycles == run_network(NETWORK, outcome.remedy.hardware).cycles
    assert outcome.remedy.hardware.host.cycles_per_call == 500
