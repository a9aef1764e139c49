"""The guardrail behind bedrock_server.py: what it finds in texts.

It blocks texts with the word `forbidden` (a custom word), with `damn` (the managed list of profanity), about `investment advice` (a denied
topic) and with `ignore all previous instructions` (a prompt attack); it masks e-mail addresses. Its id is any that the API takes but
`gmissing`, which does not exist.
"""
import re

from bedrock_authentication import Refusal

BLOCKED_INPUT = "Sorry, the model cannot answer this question."
BLOCKED_OUTPUT = "Sorry, the model's answer was blocked."
EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+")
USAGE = ["topicPolicyUnits", "contentPolicyUnits", "wordPolicyUnits", "sensitiveInformationPolicyUnits",
         "sensitiveInformationPolicyFreeUnits", "contextualGroundingPolicyUnits"]


class Assessment:
    def __init__(self, value, is_blocked, is_masked):
        self.value, self.is_blocked, self.is_masked = value, is_blocked, is_masked


def usage(texts):
    units = sum(max(1, -(-len(text) // 1000)) for text in texts)
    return dict.fromkeys(USAGE, units)


def coverage(texts):
    count = sum(map(len, texts))
    return {"textCharacters": {"guarded": count, "total": count}}


def assess(config, texts):
    identifier, version = config["guardrailIdentifier"], config.get("guardrailVersion") or "DRAFT"
    if identifier == "gmissing":
        raise Refusal("ResourceNotFoundException", f"The guardrail with id {identifier} and version {version} was not found.", 404)
    text = " ".join(texts).lower()
    words, managed = re.findall(r"\bforbidden\b", text), re.findall(r"\bdamn\b", text)
    emails = EMAIL.findall(" ".join(texts))
    value = {"invocationMetrics": {
        "guardrailProcessingLatency": 7, "usage": usage(texts), "guardrailCoverage": coverage(texts)},
        "appliedGuardrailDetails": {"guardrailId": identifier.split("/")[-1], "guardrailVersion": version, "guardrailOrigin": ["REQUEST"],
                                    "guardrailOwnership": "SELF"}}
    if words or managed:
        value["wordPolicy"] = {
            "customWords": [{"match": word, "action": "BLOCKED", "detected": True} for word in words],
            "managedWordLists": [{"match": word, "type": "PROFANITY", "action": "BLOCKED", "detected": True} for word in managed]}
    if "investment advice" in text:
        value["topicPolicy"] = {"topics": [{"name": "Investment", "type": "DENY", "action": "BLOCKED", "detected": True}]}
    if "ignore all previous instructions" in text:
        value["contentPolicy"] = {"filters": [
            {"type": "PROMPT_ATTACK", "confidence": "HIGH", "filterStrength": "HIGH", "action": "BLOCKED", "detected": True}]}
    if emails:
        value["sensitiveInformationPolicy"] = {
            "piiEntities": [{"match": match, "type": "EMAIL", "action": "ANONYMIZED", "detected": True} for match in emails], "regexes": []}
    return Assessment(value, any(name in value for name in ("wordPolicy", "topicPolicy", "contentPolicy")), bool(emails))


def input_texts(request):
    """What a guardrail looks at: the guarded blocks where there are some, else the last user message."""
    blocks = list(request.get("system", [])) + [block for message in request["messages"] for block in message["content"]]
    guarded = [block["guardContent"]["text"]["text"] for block in blocks if "text" in block.get("guardContent", {})]
    return guarded or [block["text"] for block in request["messages"][-1]["content"] if "text" in block]


def apply(identifier, version, request):
    """What ApplyGuardrail answers."""
    texts = [block["text"]["text"] for block in request["content"] if "text" in block]
    assessment = assess({"guardrailIdentifier": identifier, "guardrailVersion": version}, texts)
    intervened = assessment.is_blocked or assessment.is_masked
    outputs = []
    if assessment.is_blocked:
        outputs = [{"text": BLOCKED_INPUT if request["source"] == "INPUT" else BLOCKED_OUTPUT}]
    elif assessment.is_masked:
        outputs = [{"text": EMAIL.sub("{EMAIL}", text)} for text in texts]
    return {
        "usage": usage(texts), "action": "GUARDRAIL_INTERVENED" if intervened else "NONE",
        "actionReason": "Guardrail blocked." if assessment.is_blocked else "Guardrail masked." if intervened else "No action.",
        "outputs": outputs, "assessments": [assessment.value], "guardrailCoverage": coverage(texts)}
