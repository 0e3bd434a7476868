import Glibc
import RungCore
import Testing

@testable import RungStore

/// Caches that earlier versions wrote.
@Suite struct PastTests {
  private func copy(_ format: Int, to folder: String) throws -> String {
    let past = "/" + #filePath.split(separator: "/").dropLast().joined(separator: "/") + "/Past/format-\(format)"
    try #require(shell("cp -r '\(past)' '\(folder)/cache' && chmod -R u+w '\(folder)/cache'") != nil)
    return "\(folder)/cache"
  }

  @Test func aCacheOfFormat1IsReadWholeAndGoesOnInThisOne() throws {
    try withFolder { folder in
      let cache = try copy(1, to: folder)
      let store = try ObjectStore(path: cache, durability: .none)
      #expect(try String(decoding: contents("\(cache)/format.json"), as: UTF8.self).contains("\"format\": 2"))
      let report = try store.check()
      #expect(report.isSound && report.checked == 11 && report.strangers.isEmpty)
      let numbers = (1...40_000).map { "\($0)\n" }.joined()
      #expect(try store.read(Digest(ofText: numbers), limit: .max) == Array(numbers.utf8))
      #expect(try store.read(Digest(ofText: numbers), range: 100..<110) == Array(Array(numbers.utf8)[100..<110]))
      var records: [String] = []
      #expect(try store.forEachRecord { records.append(try JSON(parsing: $1)["instance"]?.string ?? "") }.isEmpty)
      #expect(Set(records) == ["past/data", "past/sum"])

      // What is there is not written again; what is new lies where this format puts it.
      let before = storedFiles(cache)
      try store.put(Array(numbers.utf8))
      try store.flush()
      #expect(storedFiles(cache) == before)
      let new = try store.put(Array("new".utf8))
      try store.flush()
      #expect(storedFiles(cache).count == before.count + 1)
      #expect(try ObjectStore(path: cache).read(new.digest, limit: 9) == Array("new".utf8))
      // Old ones can be collected like new ones.
      #expect(try store.objects().count == 10)
      #expect(try ObjectStore(path: cache).collect([Digest(ofText: "one\n")]).objects == 1)
      #expect(!store.contains(Digest(ofText: "one\n")))
    }
  }

  @Test(.enabled(if: canMount, "needs the right to mount"))
  func aCacheOfFormat1ThatCannotBeWrittenIsReadAsItIs() throws {
    try withFolder { folder in
      let cache = try copy(1, to: folder)
      let before = files(cache)
      try whileReadOnly(cache) {
        let store = try ObjectStore(path: cache)
        #expect(store.isReadOnly && store.contains(Digest(ofText: "800020000\n")))
        #expect(try store.check().checked == 11)
      }
      #expect(files(cache) == before)
    }
  }
}
