import RungCore
import Testing

@testable import RungLedger

/// The fast reader understands what is written now, and never reads anything else than the parser.
@Suite struct RecordScanTests {
  private func full() -> Record {
    var record = RecordTests().record {
      $0.parameters = [.init("a", .array([.number("1"), .object([.init("b", .null)])])), .init("é", "ü\u{7f}")]
      $0.command = ["sh", "-c", "printf \"%s\\n\" 'x'\t> out\nexit 1"]
      $0.exitCode = -1
      $0.problem = "it said \"no\""
      $0.observed = Observed(project: Digest(of: [1]), system: nil)
      $0.dirty = true
      $0.commit = "abc"
    }
    record.inputs.append(.init(name: "g", path: "*.c", kind: "files", digest: .empty, source: .files))
    record.inputs.append(
      .init(
        name: "u", path: "u", kind: "table", digest: .empty,
        source: .collection(members: Digest(of: [2]), form: "table")))
    record.inputs.append(
      .init(
        name: "s", path: "s", kind: "file", digest: .empty,
        source: .step(instance: "p/s[n=1]", output: "o", record: Digest(of: [3]))))
    return record
  }

  @Test func whatIsWrittenIsReadTheFastWay() throws {
    let plain = RecordTests().record()
    #expect(Record(scanning: plain.bytes) == plain)
    let placed = RecordTests().record { $0.place = ["host": "h", "job": "1_2", "partition": nil] }
    #expect(Record(scanning: placed.bytes) == placed)
    #expect((try? JSON(parsing: placed.bytes)).flatMap(Record.init(json:)) == placed)
    let withRun = RecordTests().record { $0.runRecord = Digest(of: [4]) }
    #expect(Record(scanning: withRun.bytes) == withRun)
    // As they were written before runs had records.
    let earlier = String(decoding: plain.bytes, as: UTF8.self).replacing("\"run_record\":null,", with: "")
    #expect(Record(scanning: Array(earlier.utf8)) == plain)
    // And before there were clusters.
    let alone = String(decoding: plain.bytes, as: UTF8.self).replacing("\"place\":null,", with: "")
    #expect(Record(scanning: Array(alone.utf8)) == plain)
    var odd = full()
    // An escape of a control character is left to the parser.
    #expect(Record(scanning: odd.bytes) == nil)
    odd.parameters = []
    #expect(Record(scanning: odd.bytes) == odd)
    #expect(Record(bytes: full().bytes) == full())
  }

  @Test func theFieldsThatNobodyAskedForArePassedOver() {
    var whole = RecordTests().record()
    whole.fields = [
      .init(kind: "shell", name: "", value: "a \"quoted\\\" one", digest: nil),
      .init(kind: "command", name: "", value: "cat {x}", digest: nil),
      .init(kind: "input", name: "x", value: "x.txt", digest: .empty),
    ]
    let part = Record(bytes: whole.bytes, onlyCommandField: true)
    #expect(part?.fields.map(\.value) == ["cat {x}"])
    var command = whole
    command.fields = [whole.fields[1]]
    #expect(part == command)
    #expect(Record(scanning: whole.bytes, onlyCommandField: true) == command)
    whole.fields = []
    #expect(Record(bytes: whole.bytes, onlyCommandField: true) == whole)
  }

  @Test func everyDamageIsReadAsTheParserReadsIt() {
    var record = full()
    record.parameters = [.init("a", .number("1.5e-3"))]
    let bytes = record.bytes
    for at in bytes.indices {
      for change: UInt8 in [0x01, 0x20, 0x80] {
        var damaged = bytes
        damaged[at] ^= change
        if let fast = Record(scanning: damaged) {
          #expect((try? JSON(parsing: damaged)).flatMap(Record.init(json:)) == fast, "byte \(at)")
        }
      }
      #expect(Record(scanning: Array(bytes[..<at])) == nil)
    }
  }

  @Test func aCollectionIsReadAsItWasWritten() {
    let members = (0..<50).map { index in
      Collection.Member(
        instance: "p/s[n=\(index)\(index == 7 ? "\"" : "")]", labels: "n=\(index)", digest: Digest(of: [UInt8(index)]),
        record: Digest(of: [UInt8(index), 1]))
    }
    let collection = Collection(form: "table", output: "o", members: members)
    #expect(Collection(bytes: collection.bytes) == collection)
    #expect(Collection(bytes: Array(collection.bytes.dropLast(3))) == nil)
  }
}
