/// Texts that are hard on a tokeniser: written by hand, and drawn at random from a fixed seed.
enum TokenCorpus {
    /// Texts of many languages and forms.
    static let written: [String] = [
        "", " ", "\n", "\r\n", "a", "'", "é", "🙂",
        "The quick brown fox jumps over the lazy dog. It didn't; they'd've said so! WE'RE, we'Ll, I'M, he'D, 'tis, 'S, 'ſ x'ſ y'K",
        "Straße, Ærøskøbing, Łódź, Þingvellir, naïve façade, Đà Nẵng, Škoda, İstanbul ısı, ŒUVRE, ǅungla ǈubav, e\u{301}le\u{300}ve",
        "我们今天去公园散步，天气很好。日本語の文章です。カタカナとひらがな、ﾊﾝｶｸ。한국어 문장입니다. 𠮷野家 𪚥",
        "هذا نص عربي مع تشكيل: اَلْعَرَبِيَّةُ ١٢٣٤٥ ٪ — فارسی ۱۲۳، زبان‌ها. עברית עם נִקּוּד וגם 1,234 ש״ח",
        "यह एक हिन्दी वाक्य है, क्षत्रिय १२३४। বাংলা লেখা। தமிழ் மொழி. ภาษาไทยไม่มีช่องว่าง ๑๒๓ ລາວ မြန်မာ ខ្មែរ བོད་ཡིག",
        "👩‍👩‍👧‍👦 👍🏽 🏳️‍🌈 🇩🇪🇫🇷 ☎️ 1️⃣ ❤️‍🔥 \u{1F468}\u{200D}\u{1F4BB}abc ™️ ©2024 ½ Ⅻ ② x² H₂O",
        "a\u{301}b\u{301}\u{302} \u{301} \u{301}\u{301}A\u{301} !\u{301} !!\u{301}x A\u{301}B\u{301}c ABC\u{301}D ABc\u{301}De \u{301}AB \u{301}AB c",
        "XMLHttpRequest parseURLToJSON HTTPServer iPhone McDonald's eBay's ABCs USA's THEY'LL DON'T Don'T ÀÉÎx ΑΒΓδεζ ПРИВЕТмир ʰello ªb",
        "func f(_ x: Int) -> Int {\n    return x /* c */ * 2 // d\n}\n\n\n\tif (a && b || !c) { a += 1; }\r\n\r\n#include <stdio.h>\n",
        "def f(x):\n    \"\"\"Doc.\"\"\"\n    return {k: v for k, v in x.items() if v != 'a'}\n\n\n\nclass A(B):\n\tpass\n    \n  \n",
        "SELECT * FROM t WHERE a >= 10 AND b LIKE '%x%' ORDER BY c DESC LIMIT 100;--\n<div class=\"a\">&nbsp;</div>\n{\"k\":[1,2.5e-10,null]}",
        "https://example.com/a/b//c?d=e&f=%20#g //\n/ /\r\n/\n\n//x ./../a ///\n\n /// path/to/file.txt\n/",
        "   leading, trailing   ",
        "a  b   c    d\te\t\tf \t g\n\n\nh \n i\n \nj\r\rk \r\n l\u{B}m\u{C}n\u{85}o\u{A0}p\u{2003}\u{2003}q\u{3000}r",
        "x\n\n   ", "x   \n", "x \n \n ", "\n \n\t", " \u{A0}", "\u{2028}\u{2029}a", "a\u{200B}b\u{FEFF}c\u{AD}d",
        "\u{0}\u{1}\u{7F}\u{80}\u{9F}",
        "1 12 123 1234 12345 1234567890 1,000,000.00 3.14159 0xFF 1e10 2024-11-21T06:51:23Z ١٢٣٤٥٦ 一二三 ⅠⅡⅢⅣ ¹²³⁴ 𝟏𝟐𝟑𝟒",
        "!!! ??? ... --- *** === >>> <<< $$$ €£¥ «quote» “double” ‘single’ — – … • ← → ∑∫√∞ ≤≥≠ ¬± §¶†‡ ■□▲△",
        "<|endoftext|> <|fim_prefix|><|endofprompt|> <|im_start|>user<|im_end|>",
        "\u{10FFFF}\u{E000}\u{FFFD}\u{FFFF}\u{1F9FF}\u{E0100}\u{295}\u{A7CE}\u{88F}\u{16EA0}a",
        "pneumonoultramicroscopicsilicovolcanoconiosis",
    ]

    /// Long runs, for the merge's queue.
    static let long: [String] = {
        var random = SplitMix64(seed: 7)
        let letters = (0..<4000).map { _ in Character(Unicode.Scalar(UInt8.random(in: 97...122, using: &random))) }
        return [
            String(repeating: "a", count: 3001), String(repeating: " ", count: 3000) + "x", String(repeating: "\n", count: 1500),
            String(repeating: "=", count: 999), String(repeating: "字", count: 700), String(repeating: "abcabd", count: 500),
            String(letters),
            String(repeating: "e\u{301}", count: 600), String(repeating: "🙂", count: 300), String(repeating: "1", count: 1000),
            String(letters.prefix(97)), String(letters.prefix(96)), String(letters.prefix(100)), String(repeating: "ABCdef", count: 300),
        ]
    }()

    /// Texts drawn from pieces that patterns treat differently.
    static func random(_ count: Int, seed: UInt64) -> [String] {
        var random = SplitMix64(seed: seed)
        return (0..<count).map { number in
            let style = number % 4
            var text = String.UnicodeScalarView()
            for _ in 0..<Int.random(in: 1...(style == 3 ? 12 : 40), using: &random) {
                switch style {
                case 0: text.append(contentsOf: fragments.randomElement(using: &random)!.unicodeScalars)
                case 1: text.append(contentsOf: tricky.randomElement(using: &random)!.unicodeScalars)
                case 2: text.append(scalar(below: 0x3000, &random))
                default: text.append(scalar(below: 0x110000, &random))
                }
            }
            return String(text)
        }
    }

    private static func scalar(below limit: UInt32, _ random: inout SplitMix64) -> Unicode.Scalar {
        while true { if let found = Unicode.Scalar(UInt32.random(in: 0..<limit, using: &random)) { return found } }
    }

    /// What decides where pieces end.
    private static let tricky = [
        "a", "B", "c", "D", "ǅ", "ʰ", "字", "ª", "\u{301}", "\u{903}", "\u{20DD}", "'", "'s", "'S", "'ſ", "'t", "'ll", "'LL", "'Ve", "'re",
        "'M", "'D",
        "'l", "'r", "'k", "’s", "1", "٣", "Ⅷ", "²", " ", "  ", "\t", "\n", "\r", "\r\n", "\u{A0}", "\u{2003}", "\u{85}", "\u{2028}",
        "\u{200B}",
        "\u{200D}", "/", "//", "!", "-", "_", ".", "🙂", "\u{FE0F}", "\u{1F3FD}", "$", "<|endoftext|>", "é", "É", "ß", "İ", "ſ", "K",
        "\u{295}",
    ]

    /// Words and marks, as texts have them.
    private static let fragments = [
        "the", " the", " and", "ing", "ation", " of", "Hello", " World", "'s", "n't", "I'm", " x", "=", " = ", "(", ")", "();\n", "\n\n",
        "\n    ",
        "\t", "  ", ", ", ". ", "1", "42", "2024", "über", " naïve", "学习", "日本", "です", "Привет", " мир", "שלום", " עולם", "مرحبا", "नमस्ते",
        "สวัสดี",
        "👩‍👧", "❤️", "é", "e\u{301}", "CamelCase", "snake_case", "HTTP", "://", "\"", "{\n", "}\n", "<div>", "&amp;", "%", "€", "…", "—",
        "\r\n",
    ]
}

/// A generator whose numbers follow from its seed.
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
