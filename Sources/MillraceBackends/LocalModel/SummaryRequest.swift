/// Recognises a request for a summary, in English and a few other languages.
struct SummaryRequest: Equatable, Sendable {
    /// Words that only say what kind of summary is wanted; what is left of the request is its topic.
    static let genericTerms: Set<String> = Set(
        """
        summarise summarize summary summaries summarising summarizing summed sum overview gist nutshell tl dr tldr key main major central
        important essential short brief briefly concise quick quickly point points finding findings takeaway takeaways idea ideas bullet
        bullets sentence sentences line lines word words list attached attachment content contents message messages conversation chat
        paper article report page pages whole entire following top one two three four five six seven eight nine ten eleven twelve
        zusammenfassung zusammenfassen zusammen fasse fass bitte den das die der dies diesen dieses text kernaussagen punkte punkten sätze
        sätzen überblick résume résumez résumé le la les ce cette en phrases phrase resume resumen resumir el este texto documento
        puntos clave riassumi riassunto il testo
        """.split { $0 == " " || $0 == "\n" }.map { WordFolding.fold(String($0)) })

    private static let wordStarts = [
        "summaris", "summariz", "summary", "summaries", "tldr", "zusammenfass", "zusammengefasst", "überblick", "kernaussage", "résum",
        "resumen", "resumir", "resumo", "resuma", "resúm", "synthèse", "síntesis", "riassum", "riassunt", "samenvat", "резюм", "суммир",
    ]
    private static let phrases = [
        "tl dr", "key points", "main points", "most important points", "key findings", "main findings", "key takeaways", "main takeaways",
        "takeaways", "main ideas", "main idea", "key ideas", "overview", "in a nutshell", "the gist", "sum up", "sum it up", "points clés",
        "puntos clave", "punti chiave", "wichtigsten punkte", "fasse zusammen", "what is this about", "what is it about",
        "what is this document about", "what is the document about", "what is this text about", "what is the text about",
        "what is this file about", "what is the file about", "whats this about",
    ]
    private static let unspaced = ["总结", "總結", "摘要", "概括", "概述", "要約", "要点", "まとめ", "요약"]

    /// How many sentences or points are wanted, where the request says so.
    var points: Int?

    /// `nil` when `text` asks for no summary.
    init?(_ text: String) {
        let words = Tokenizer.words(text)
        let surfaces = words.map(\.surface)
        let line = " " + surfaces.joined(separator: " ") + " "
        let isOne =
            surfaces.contains { word in Self.wordStarts.contains { word.hasPrefix($0) } }
            || Self.phrases.contains { line.contains(" \($0) ") }
            || surfaces.first == "resume" || surfaces.first == "resumez"
            || (surfaces.contains("zusammen") && surfaces.contains { $0.hasPrefix("fass") })
            || (surfaces.contains("samen") && surfaces.contains("vat"))
            || Self.unspaced.contains { text.contains($0) }
        guard isOne else { return nil }
        points = Self.points(in: surfaces)
    }

    private static let numbers = [
        "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11,
        "twelve": 12,
        "a": 1, "drei": 3, "fünf": 5, "zwei": 2, "vier": 4, "trois": 3, "deux": 2, "cinq": 5, "tres": 3, "dos": 2, "cinco": 5,
    ]
    private static let countable: Set<String> = [
        "sentence", "sentences", "point", "points", "finding", "findings", "bullet", "bullets", "line", "lines", "takeaway", "takeaways",
        "item",
        "items", "quote", "quotes", "fact", "facts", "idea", "ideas", "satz", "sätze", "sätzen", "punkte", "punkten", "phrase", "phrases",
        "frases", "puntos", "frasi", "zinnen",
    ]

    /// The number that stands before a word such as `sentences`, at most 50.
    static func points(in words: [String]) -> Int? {
        for (position, word) in words.enumerated() {
            guard let number = Int(word) ?? numbers[word], number > 0 else { continue }
            let following = words[(position + 1)...].prefix(3)
            let counts = following.contains { countable.contains($0) } || following.first?.first.map { "句点點个個つ文".contains($0) } == true
            if counts { return min(number, 50) }
        }
        return nil
    }
}
