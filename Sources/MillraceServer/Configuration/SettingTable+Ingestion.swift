import Millrace

extension SettingTable {
    /// How documents are put into collections.
    static let ingestion: [SettingDescriptor] = [
        .integer(
            "ingestion.passageCharacters", "MILLRACE_INGESTION_PASSAGE_CHARACTERS", 100...100_000, \.ingestion.passages.characters,
            "characters of a passage at most"),
        .integer(
            "ingestion.overlapCharacters", "MILLRACE_INGESTION_OVERLAP_CHARACTERS", 0...25_000, \.ingestion.passages.overlap,
            "characters of a passage that the next one repeats at most, up to a quarter of a passage"),
        .integer(
            "ingestion.concurrent", "MILLRACE_INGESTION_CONCURRENT", 1...256, \.ingestion.concurrent,
            "documents that are ingested at once"),
        .integer(
            "ingestion.batch", "MILLRACE_INGESTION_BATCH", 1...1000, \.ingestion.batch, "passages that are embedded and written at once"),
    ]
}
