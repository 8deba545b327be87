"""What a picture costs is counted as it really happens."""

import json
from collections import Counter

from scripts import cost


def test_the_transitions_and_objects_that_are_priced_are_those_of_a_picture(pipeline, astronaut):
    result = pipeline.wait(pipeline.upload(astronaut, "priced.jpg"))

    # The emulator's history leaves out what happens in the branches of a Parallel state; on AWS it is there.
    in_branches = Counter(["InferMask", "AnalyzeImage", "PublishNotice", "PublishEvent"])
    entered = Counter(pipeline.states(result["execution_arn"])) + in_branches
    assert result["status"] == "SUCCEEDED"
    assert {"infer_mask", "analyze_image"} <= result["steps"].keys()
    assert entered == Counter(cost.happy_path(json.loads(cost.DEFINITION.read_text())))

    # The upload itself, what the steps keep for each other, and the outputs.
    kept = pipeline.objects("masks_bucket", result["image_id"])
    assert 1 + len(kept) + len(result["outputs"]) == cost.OBJECTS_WRITTEN
    assert result["timings"].keys() <= cost.SECONDS.keys()
