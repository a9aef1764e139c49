import MillraceCore
import Testing

@testable import Millrace

@Suite struct PassageSelectionTests {
    private static func candidate(_ document: String, _ place: Int, _ text: String, _ score: Double) -> PassageSelection.Candidate {
        .init(passage: CollectionPassage(documentID: document, place: place, text: text, title: document, source: document), score: score)
    }

    private static func words(_ seed: String, _ count: Int = 30) -> String { (0..<count).map { "\(seed)\($0)" }.joined(separator: " ") }

    @Test func neighbours_becomeOneSourceWithoutWhatTheyShare() {
        let ranked = [
            Self.candidate("a", 4, "the shared end of it. \(Self.words("x"))", 0.9), Self.candidate("b", 0, Self.words("y"), 0.8),
            Self.candidate("a", 3, "\(Self.words("w")) the shared end of it. ", 0.7), Self.candidate("a", 6, Self.words("z"), 0.6),
            Self.candidate("a", 5, Self.words("v"), 0.5),
        ]
        let sources = PassageSelection(limit: 10, passagesPerDocument: nil, minimumScore: 0).sources(ranked)
        #expect(sources.map(\.number) == [1, 2] && sources.map(\.score) == [0.9, 0.8])
        #expect(sources[0].passages.map(\.place) == [3, 4, 5, 6])
        #expect(
            sources[0].text == "\(Self.words("w")) the shared end of it. \(Self.words("x"))\n…\n\(Self.words("v"))\n…\n\(Self.words("z"))")
        let single = PassageSelection(limit: 10, passagesPerDocument: nil, minimumScore: 0, joinsNeighbours: false).sources(ranked)
        #expect(single.map { $0.passages.map(\.place) } == [[4], [0], [3], [6], [5]] && single.map(\.number) == [1, 2, 3, 4, 5])
        for part in sources[0].parts {
            let text = String(decoding: sources[0].text.utf8.dropFirst(part.offset), as: UTF8.self)
            #expect(text.hasPrefix(part.passage.text))
        }
    }

    @Test func copies_areLeftOut_whateverTheirLayout() {
        let text = Self.words("x")
        let ranked = [
            Self.candidate("a", 0, text, 0.9), Self.candidate("b", 0, text.uppercased() + "\n", 0.8),
            Self.candidate("c", 0, text + " and more", 0.7), Self.candidate("d", 0, Self.words("y"), 0.6), Self.candidate("e", 0, "", 0.5),
        ]
        let sources = PassageSelection(limit: 10, passagesPerDocument: nil, minimumScore: 0).sources(ranked)
        #expect(sources.map(\.documentID) == ["a", "d", "e"])
    }

    @Test func limits_count() {
        let ranked = (0..<9).map { Self.candidate($0 % 3 == 0 ? "b" : "a", $0 * 2, Self.words("\($0)w"), 1 - Double($0) / 10) }
        func places(_ limit: Int, _ most: Int?, _ least: Double = 0) -> [Int] {
            PassageSelection(limit: limit, passagesPerDocument: most, minimumScore: least).sources(ranked).map { $0.passages[0].place }
        }
        #expect(places(4, nil) == [0, 2, 4, 6])
        #expect(places(9, 1) == [0, 2])
        #expect(places(9, 2) == [0, 2, 4, 6])
        #expect(places(9, nil, 0.8) == [0, 2, 4])
        #expect(PassageSelection(limit: 9, passagesPerDocument: nil, minimumScore: 1).sources([]).isEmpty)
    }

    @Test func fusion_isThatOfTheEngines() {
        let lists: [[RankFusion.Entry]] = [
            [.init(id: "a", score: 9), .init(id: "b", score: 5)], [.init(id: "b", score: 0.9), .init(id: "c", score: 0.5)],
        ]
        let ranks = RankFusion(.reciprocalRank(constant: 60)).fuse(lists)
        let twice: Double = 1.0 / 62 + 1.0 / 61
        #expect(ranks.map(\.id) == ["b", "a", "c"])
        #expect(ranks.map(\.score) == [twice, 1.0 / 61, 1.0 / 62])
        let scores = RankFusion(.normalized(textWeight: 3, vectorWeight: 1)).fuse(words: lists[0], meaning: lists[1])
        #expect(scores == [.init(id: "a", score: 0.75), .init(id: "b", score: 0.25 + 0.00075), .init(id: "c", score: 0.00025)])
        #expect(RankFusion(.reciprocalRank(constant: 60)).fuse([lists[0]]) == lists[0])
        let equal = RankFusion(.normalized(textWeight: 1, vectorWeight: 1)).fuse([[.init(id: "x", score: 2)], []])
        #expect(equal == [.init(id: "x", score: 0.5)])
    }
}
