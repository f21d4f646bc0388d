"""The words of the embedded world's captions: verb forms, and templates per action and stated facts.

Templates hold verbs in braces; `{side}`, `{hand}`, `{thing}`, `{a_thing}`, `{their}`, `{they}` are filled in.
"""

_FORMS = """
    walk walks walking; go goes going; stroll strolls strolling;
    take takes taking; move moves moving; head heads heading;
    curve curves curving; come comes coming; step steps stepping;
    turn turns turning; rotate rotates rotating; swing swings swinging;
    look looks looking; glance glances glancing; gaze gazes gazing;
    crouch crouches crouching; squat squats squatting; bend bends bending;
    rise rises rising; stand stands standing; get gets getting;
    reach reaches reaching; touch touches touching; stretch stretches stretching;
    raise raises raising; lift lifts lifting; wave waves waving;
    hold holds holding; put puts putting; carry carries carrying;
    push pushes pushing; open opens opening; pass passes passing;
    wait waits waiting; stay stays staying; face faces facing;
    pause pauses pausing; approach approaches approaching; back backs backing;
    shuffle shuffles shuffling; keep keeps keeping; shift shifts shifting;
    bring brings bringing
"""
VERBS: dict[str, tuple[str, str, str]] = {
    base: (base, third, gerund) for base, third, gerund in (forms.split() for forms in _FORMS.split(";"))
}
"""Base form to base form, third person and gerund."""
SUBJECTS = ("a person", "someone", "the wearer", "the person", "the camera wearer", "somebody")
JOINTS = (", then ", " and then ", ", and then ", " and ")
"""Words between two successive actions."""

TEMPLATES: dict[str, tuple[str, ...]] = {
    "walk": ("{walk}", "{walk} on", "{take} a few steps", "{go} for a few steps", "{stroll} along", "{move} along"),
    "walk forward": (
        *("{walk} forward", "{walk} ahead", "{go} straight on", "{move} forward", "{take} some steps ahead"),
    ),
    "walk side": (
        *("{walk} and {curve} {side}", "{walk} in a curve to the {side}", "{walk} on, bearing {side}"),
        *("{move} along a curve to the {side}", "{stroll} in an arc to the {side}"),
    ),
    "approach thing": (
        *("{walk} to the {thing}", "{walk} towards the {thing}", "{approach} the {thing}"),
        *("{go} up to the {thing}", "{head} for the {thing}", "{move} towards the {thing}"),
        *("{come} closer to the {thing}",),
    ),
    "approach": ("{walk} up to something", "{go} over to a thing in the room", "{walk} closer to something"),
    "step": ("{take} a step or two", "{shuffle} a few steps", "{shift} to another spot", "{step} away"),
    "step back": ("{step} back", "{walk} backwards", "{back} away", "{move} back", "{take} a step or two back"),
    "step side": (
        *("{step} to the {side}", "{step} aside to the {side}", "{move} sideways to the {side}"),
        *("{shuffle} {side}", "{shift} over to the {side}"),
    ),
    "turn": (
        *("{turn}", "{turn} on the spot", "{turn} to another side", "{rotate} on the spot"),
        *("{turn} round a bit", "{swing} round to one side"),
    ),
    "turn side": (
        *("{turn} {side}", "{turn} to the {side}", "{rotate} to the {side}"),
        *("{turn} on the spot to the {side}", "{swing} round to the {side}"),
    ),
    "turn thing": (
        *("{turn} towards the {thing}", "{turn} to face the {thing}", "{turn} round to the {thing}"),
        *("{rotate} until facing the {thing}",),
    ),
    "turn side thing": (
        *("{turn} {side} towards the {thing}", "{turn} to the {side} to face the {thing}"),
        *("{rotate} {side} to the {thing}",),
    ),
    "look": ("{look} about", "{look} around", "{look} elsewhere", "{glance} around", "{turn} {their} head"),
    "look side": ("{look} {side}", "{look} to the {side}", "{glance} {side}", "{turn} {their} head to the {side}"),
    "look up": ("{look} up", "{gaze} up", "{lift} {their} head", "{glance} up"),
    "look down": ("{look} down", "{glance} down", "{gaze} down", "{bend} {their} head down"),
    "look thing": (
        *("{look} at the {thing}", "{glance} at the {thing}", "{turn} {their} head to the {thing}"),
        *("{look} over to the {thing}", "{gaze} at the {thing}"),
    ),
    "look side thing": (
        *("{look} {side} at the {thing}", "{glance} {side} to the {thing}"),
        *("{turn} {their} head {side} to the {thing}",),
    ),
    "crouch": (
        *("{crouch}", "{crouch} down", "{squat} down", "{bend} {their} knees and {get} down"),
        *("{go} down into a crouch",),
    ),
    "rise": ("{rise} again", "{stand} up again", "{get} back up", "{come} up again", "{get} up"),
    "reach thing": (
        *("{reach} for the {thing}", "{reach} out to the {thing}", "{touch} the {thing}"),
        *("{stretch} out to the {thing}",),
    ),
    "reach thing hand": (
        *("{reach} for the {thing} with {hand}", "{touch} the {thing} with {hand}"),
        *("{put} {hand} on the {thing}", "{stretch} out {hand} to the {thing}"),
        *("{reach} out to the {thing} with {hand}",),
    ),
    "reach": ("{reach} out for something", "{touch} something near by", "{stretch} out to reach something"),
    "reach hand": ("{reach} out with {hand}", "{stretch} out {hand}", "{touch} something with {hand}"),
    "raise hand": ("{raise} {hand}", "{lift} {hand}", "{hold} up {hand}", "{put} {hand} up", "{bring} {hand} up"),
    "wave hand": ("{wave} {hand}", "{wave} with {hand}", "{raise} {hand} and {wave}", "{lift} {hand} to {wave_base}"),
    "carry thing": ("{carry} {a_thing}", "{carry} {a_thing} in both hands", "{hold} {a_thing} with both hands"),
    "carry": ("{carry} a box", "{carry} something in both hands", "{carry} a box in front of the chest"),
    "hold thing": ("{hold} {a_thing}", "{hold} {a_thing} in both hands", "{keep} {a_thing} in both hands"),
    "hold": ("{hold} a box", "{hold} a box with both hands", "{keep} a box in both hands"),
    "push thing": ("{push} the {thing} open", "{open} the {thing}", "{push} open the {thing}"),
    "push thing hand": ("{push} the {thing} open with {hand}", "{open} the {thing} with {hand}"),
    "push": ("{open} the door", "{push} the door open", "{walk} up and {open} the door"),
    "push hand": ("{push} the door open with {hand}", "{open} the door with {hand}"),
    "through": (
        *("{go} through", "{walk} through", "{step} through", "{pass} through the doorway"),
        *("{move} on through it",),
    ),
    "stand": (
        *("{stand} still", "{stay} where {they} {be}", "{wait}", "{pause} without walking", "{stay} in place"),
        *("{keep} still",),
    ),
    "stand thing": (
        *("{stand} facing the {thing}", "{face} the {thing} and {keep} still"),
        *("{stand} still, looking towards the {thing}", "{wait}, facing the {thing}"),
        *("{stay} in place with the {thing} ahead",),
    ),
}
"""Key: the action and the stated facts, in the order way, thing, hand."""
