"""What takes a network or a machine takes its name or path as well: runs, explanations and searches."""

import accelsim
from accelsim.descriptions import dump
from accelsim.search import depth_space, search_path


def test_names_and_paths_do_as_well_as_networks_and_machines(tmp_path):
    network, hardware = accelsim.load_network("sqnxt23v5"), accelsim.load_hardware("16x16_128k")
    result = accelsim.run_network(network, hardware)
    (tmp_path / "machine.yaml").write_text(dump(hardware))
    for names in (("sqnxt23v5", "16x16_128k"), (network, tmp_path / "machine.yaml")):
        assert accelsim.run_network(*names).cycles == result.cycles
    assert accelsim.run_network("mobilenet_v1@width=0.25", hardware).network == "mobilenet_v1@width=0.25"
    assert accelsim.explain_network("sqnxt23v5", "16x16_128k", layers=0).result.cycles == result.cycles
    assert search_path("sqnxt23v5", "16x16_128k", steps=0).start.cycles == result.cycles
    assert depth_space("sqnxt23v5") == depth_space(network)
    (tmp_path / "bits.yaml").write_text("precision: {weights_bits: 8}\n")
    assert accelsim.overlaid("sqnxt23v5", tmp_path / "bits.yaml").name == "sqnxt23v5+bits"
