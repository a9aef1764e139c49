"""Lucene's analysis and BM25 as far as the fake of OpenSearch needs them."""
import math
import re
import struct
import unicodedata

import snowballstemmer

# The filter "stemmer" of OpenSearch: these names are Snowball's stemmers as they are ("english" is Porter's, "light_german" another one).
SNOWBALL = set("danish dutch finnish french german hungarian italian norwegian portuguese romanian russian spanish swedish".split())
FOLDED = {"ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D",
          "ł": "l", "Ł": "L", "þ": "th", "Þ": "TH", "ı": "i"}
ENGLISH_STOP_WORDS = set("a an and are as at be but by for if in into is it no not of on or such that the their then there these they this "
                         "to was will with".split())


class Unsupported(Exception):
    """Something that the fake does not know, which is therefore an error."""


def float32(number):
    return struct.unpack("f", struct.pack("f", number))[0]


class Porter:
    """M. F. Porter, "An algorithm for suffix stripping", 1980, with the two departures of its author's own programs (bli, logi)."""

    STEP2 = [("ational", "ate"), ("tional", "tion"), ("enci", "ence"), ("anci", "ance"), ("izer", "ize"), ("bli", "ble"), ("alli", "al"),
             ("entli", "ent"), ("eli", "e"), ("ousli", "ous"), ("ization", "ize"), ("ation", "ate"), ("ator", "ate"), ("alism", "al"),
             ("iveness", "ive"), ("fulness", "ful"), ("ousness", "ous"), ("aliti", "al"), ("iviti", "ive"), ("biliti", "ble"), ("logi", "log")]
    STEP3 = [("icate", "ic"), ("ative", ""), ("alize", "al"), ("iciti", "ic"), ("ical", "ic"), ("ful", ""), ("ness", "")]
    STEP4 = ["al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion", "ou", "ism", "ate", "iti", "ous", "ive",
             "ize"]

    @staticmethod
    def consonant(word, i):
        if word[i] in "aeiou":
            return False
        return i == 0 or not Porter.consonant(word, i - 1) if word[i] == "y" else True

    @staticmethod
    def measure(stem):
        kinds = "".join("c" if Porter.consonant(stem, i) else "v" for i in range(len(stem)))
        return len(re.findall("v+c+", kinds))

    @staticmethod
    def has_vowel(stem):
        return any(not Porter.consonant(stem, i) for i in range(len(stem)))

    @staticmethod
    def double(word):
        return len(word) > 1 and word[-1] == word[-2] and Porter.consonant(word, len(word) - 1)

    @staticmethod
    def cvc(word):
        if len(word) < 3:
            return False
        i = len(word) - 1
        return (Porter.consonant(word, i) and not Porter.consonant(word, i - 1) and Porter.consonant(word, i - 2) and word[i] not in "wxy")

    @staticmethod
    def replace(word, rules):
        for ending, other in sorted(rules, key=lambda rule: -len(rule[0])):
            if word.endswith(ending):
                stem = word[:len(word) - len(ending)]
                return stem + other if Porter.measure(stem) > 0 else word
        return word

    @staticmethod
    def stem(word):
        if len(word) <= 2:
            return word
        if word.endswith("sses") or word.endswith("ies"):
            word = word[:-2]
        elif word.endswith("s") and not word.endswith("ss"):
            word = word[:-1]
        if word.endswith("eed"):
            if Porter.measure(word[:-3]) > 0:
                word = word[:-1]
        else:
            for ending in ("ed", "ing"):
                if word.endswith(ending) and Porter.has_vowel(word[:-len(ending)]):
                    word = word[:-len(ending)]
                    if word.endswith(("at", "bl", "iz")):
                        word += "e"
                    elif Porter.double(word) and word[-1] not in "lsz":
                        word = word[:-1]
                    elif Porter.measure(word) == 1 and Porter.cvc(word):
                        word += "e"
                    break
        if word.endswith("y") and Porter.has_vowel(word[:-1]):
            word = word[:-1] + "i"
        word = Porter.replace(word, Porter.STEP2)
        word = Porter.replace(word, Porter.STEP3)
        for ending in sorted(Porter.STEP4, key=lambda ending: -len(ending)):
            if word.endswith(ending):
                stem = word[:-len(ending)]
                if Porter.measure(stem) > 1 and (ending != "ion" or stem.endswith(("s", "t"))):
                    word = stem
                break
        if word.endswith("e"):
            measure = Porter.measure(word[:-1])
            if measure > 1 or measure == 1 and not Porter.cvc(word[:-1]):
                word = word[:-1]
        if word.endswith("ll") and Porter.measure(word[:-1]) > 1:
            word = word[:-1]
        return word


def fold(text):
    """As Lucene's ASCIIFoldingFilter for the letters that have an ASCII form; others, and combining marks, stay."""
    out = []
    for letter in text:
        if letter in FOLDED:
            out.append(FOLDED[letter])
        elif ord(letter) < 128:
            out.append(letter)
        else:
            base = "".join(c for c in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(c))
            out.append(base if base and base.isascii() and not unicodedata.combining(letter) else letter)
    return "".join(out)


def lower(text):
    """Letter by letter as Lucene does: Python makes another sigma of the last one."""
    return "".join(letter.lower() for letter in text)


class Token:
    def __init__(self, term, position, start, end):
        self.term, self.position, self.start, self.end = term, position, start, end


IDEOGRAPH = re.compile("[\u3040-\u309f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
JOINERS = set("'\u2018\u2019.:\u00b7_,;")


def standard_tokens(text):
    """As Lucene's StandardTokenizer where no joining mark stands within a word: at those the fake gives up."""
    start = None
    for place, letter in enumerate(text + " "):
        inside = unicodedata.category(letter)[0] in "LNM" and place < len(text)
        if letter in JOINERS and start is not None and place + 1 < len(text) and unicodedata.category(text[place + 1])[0] in "LN":
            raise Unsupported(f"the mark [{letter}] within a word")
        if start is not None and (not inside or IDEOGRAPH.match(letter) or IDEOGRAPH.match(text[place - 1])):
            yield start, place
            start = None
        if inside and start is None:
            start = place


class Analyzer:
    """An analyzer made from an index's settings."""

    def __init__(self, char_filters, filters):
        self.char_filters, self.filters = char_filters, filters

    @staticmethod
    def mapped(letters, mapping):
        """What a mapping makes of letters: at each place the longest rule that fits."""
        longest = max(map(len, mapping))
        place = 0
        while place < len(letters):
            for length in range(min(longest, len(letters) - place), 0, -1):
                rule = "".join(letter for letter, _ in letters[place:place + length])
                if rule in mapping:
                    break
            for other in mapping.get(rule, rule):
                yield other, letters[place][1]
            place += length

    def tokens(self, text):
        letters = [(letter, place) for place, letter in enumerate(text)]
        for mapping in self.char_filters:
            letters = list(self.mapped(letters, mapping))
        tokens = []
        for position, (start, end) in enumerate(standard_tokens("".join(letter for letter, _ in letters))):
            past = letters[end - 1][1] + 1
            # A combining mark that a character filter took away still belongs to its word.
            while past < len(text) and unicodedata.combining(text[past]):
                past += 1
            tokens.append(Token("".join(letter for letter, _ in letters[start:end]), position, letters[start][1], past))
        for change in self.filters:
            for token in tokens:
                token.term = change(token.term)
            tokens = [token for token in tokens if token.term]
        return tokens


def unescaped(text):
    return re.sub(r"\\u([0-9a-fA-F]{4})", lambda match: chr(int(match.group(1), 16)), text.strip())


def analyzers(settings):
    """The analyzers that the member `analysis` of an index's settings defines."""
    settings = dict(settings)
    char_filters, filters = {}, {
        "lowercase": lower, "asciifolding": fold, "porter_stem": Porter.stem,
        "stop": lambda term: "" if term in ENGLISH_STOP_WORDS else term}
    for name, body in settings.pop("char_filter", {}).items():
        if set(body) != {"type", "mappings"} or body["type"] != "mapping":
            raise Unsupported(f"char_filter [{name}]")
        char_filters[name] = {unescaped(rule.split("=>")[0]): unescaped(rule.split("=>")[1]) for rule in body["mappings"]}
        if len(char_filters[name]) != len(body["mappings"]) or "" in char_filters[name]:
            raise Unsupported(f"char_filter [{name}]: letters that are mapped twice, or none")
    for name, body in settings.pop("filter", {}).items():
        if body.get("type") == "stemmer" and set(body) == {"type", "language"} and body["language"] in SNOWBALL:
            filters[name] = snowballstemmer.stemmer(body["language"]).stemWord
            continue
        if set(body) != {"type", "stopwords"} or body["type"] != "stop":
            raise Unsupported(f"filter [{name}]")
        words = ENGLISH_STOP_WORDS if body["stopwords"] == "_english_" else set(body["stopwords"])
        filters[name] = lambda term, words=words: "" if term in words else term
    found = {}
    for name, body in settings.pop("analyzer", {}).items():
        body = dict(body)
        if body.pop("type", None) != "custom" or body.pop("tokenizer", None) != "standard":
            raise Unsupported(f"analyzer [{name}]")
        try:
            found[name] = Analyzer([char_filters[part] for part in body.pop("char_filter", [])],
                                   [filters[part] for part in body.pop("filter", [])])
        except KeyError as missing:
            raise Unsupported(f"Custom Analyzer [{name}] failed to find {missing}") from None
        if body:
            raise Unsupported(f"analyzer [{name}]: {sorted(body)}")
    if settings:
        raise Unsupported(f"analysis: {sorted(settings)}")
    return found


def quantized(length):
    """A field's length as Lucene keeps it in one byte (SmallFloat.intToByte4 and back)."""
    if length < 24:
        return length
    rest = length - 24
    shift = max(rest.bit_length() - 4, 0)
    return 24 + (rest >> shift << shift)


class FieldStatistics:
    """What BM25 needs to know of one field of all documents."""

    K1, B = 1.2, 0.75

    def __init__(self):
        self.documents, self.terms, self.frequencies = 0, 0, {}

    def add(self, terms):
        self.documents += 1
        self.terms += len(terms)
        for term in set(terms):
            self.frequencies[term] = self.frequencies.get(term, 0) + 1

    def idf(self, term):
        frequency = self.frequencies.get(term, 0)
        return math.log(1 + (self.documents - frequency + 0.5) / (frequency + 0.5))

    def score(self, idf, frequency, length):
        if not frequency:
            return 0.0
        average = self.terms / self.documents
        return idf * frequency / (frequency + self.K1 * (1 - self.B + self.B * quantized(length) / average))
