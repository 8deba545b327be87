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
        "quota": None,
    }
    assert options["crop"] == {"margin": 10}
    assert options["formats"] == ["png", "webp"]


def test_it_tells_how_many_pictures_are_left_today(api, configure):
    configure("PICTURES_PER_DAY", "3")
    before = api.get("/intake").body["quota"]
    api.post({"fileName": "boat.jpg", "fileType": "image/jpeg", "size": 48213})
    after = api.get("/intake").body["quota"]

    assert (before["limit"], before["used"], after["used"]) == (3, 0, 1)
    assert after["resets_at"].endswith("T00:00:00Z")
