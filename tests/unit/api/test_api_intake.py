"""What is taken, as a page asks before it uploads."""


def test_types_limits_and_defaults_are_those_of_the_deployment(api, configure):
    configure("ACCEPTED_FORMATS", "JPEG, PNG")
    configure("MAX_PIXELS", "1000")

    answer = api.get("/intake")

    intake = answer.body
    options = intake.pop("default_options")
    assert answer.status == 200
    assert intake == {
        "accepted_types": ["image/jpeg", "image/png"],
        "max_size_bytes": 1_000_000,
        "max_pixels": 1000,
        "models": ["u2netp", "isnet-general-use"],
    }
    assert options["crop"] == {"margin": 10}
    assert options["formats"] == ["png", "webp"]


def test_it_is_told_to_anyone(signed_in):
    assert signed_in.get("/intake").status == 200
