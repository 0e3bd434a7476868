import Glibc
import RungCore
import RungStore
import Testing

@testable import RungExec

/// Inputs that steps share are unpacked once, and no more of them stay than there is room for.
@Suite struct StagedLayersTests {
  let bench: Bench
  init() throws { bench = try Bench() }

  private func layer(_ name: String, _ size: Int) throws -> StagedLayer {
    let digest = try bench.store.put(Array(repeating: UInt8(name.utf8.first ?? 0), count: size)).digest
    let file = StagedFile(path: path("data/\(name)"), content: .object(digest, executable: false))
    return StagedLayer(folder: bench.place("run/layers/\(name)"), files: [file], size: Int64(size))
  }

  private func inode(_ layer: StagedLayer, _ name: String) -> UInt64? {
    var status = stat()
    return stat("\(layer.folder)/data/\(name)", &status) == 0 ? UInt64(status.st_ino) : nil
  }

  private func here() -> [String] {
    ["a", "b", "c", "d"].filter { exists(bench.place("run/layers/\($0)/data/\($0)")) }
  }

  @Test func theLongestUnusedMakesRoom() throws {
    mkdir(bench.place("run"), 0o755)
    let layers = StagedLayers(budget: 1000)
    let (a, b, c, d) = (try layer("a", 400), try layer("b", 400), try layer("c", 400), try layer("d", 900))
    try layers.take([a, b], store: bench.store)
    let first = inode(a, "a")
    layers.giveBack([a, b])
    // Taken again, it is the same, and it is now the one that was used last.
    try layers.take([a], store: bench.store)
    #expect(inode(a, "a") == first && here() == ["a", "b"])
    layers.giveBack([a])
    try layers.take([c], store: bench.store)
    #expect(here() == ["a", "c"])
    // What is in use stays, even when too much is wanted.
    try layers.take([a, d], store: bench.store)
    #expect(here() == ["a", "c", "d"])
    layers.giveBack([a, c, d])
    // What was removed can be had again.
    try layers.take([b], store: bench.store)
    #expect(here().contains("b") && !here().contains("d"))
    layers.giveBack([b])
    #expect(try entries(of: bench.place("run/layers")).allSatisfy { $0.utf8.count == 1 })
  }

  @Test func whatCouldNotBeMadeIsTriedAgain() throws {
    mkdir(bench.place("run"), 0o755)
    let layers = StagedLayers(budget: 1000)
    let a = try layer("a", 10)
    var lost = a
    lost.folder = bench.place("run/layers/b")
    lost.files[0].content = .object(Digest(ofText: "nobody has it"), executable: false)
    #expect(throws: StoreError.self) { try layers.take([a, lost], store: bench.store) }
    #expect(here() == ["a"])
    lost.files = a.files
    try layers.take([a, lost], store: bench.store)
    #expect(exists(bench.place("run/layers/b/data/a")))
    layers.giveBack([a, lost])
  }

  @Test func manyStepsAtOnceMakeItOnce() throws {
    mkdir(bench.place("run"), 0o755)
    let layers = StagedLayers()
    let (a, b) = (try layer("a", 100_000), try layer("b", 100_000))
    let store = bench.store
    onThreads(
      (0..<8).map { number in
        {
          let wanted = number % 2 == 0 ? [a, b] : [b, a]
          for _ in 0..<20 {
            #expect(throws: Never.self) { try layers.take(wanted, store: store) }
            layers.giveBack(wanted)
          }
        }
      })
    #expect(here() == ["a", "b"])
  }

  private func entries(of folder: String) throws -> [String] {
    let stream = try #require(opendir(folder))
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if name != "." && name != ".." { names.append(name) }
    }
    return names
  }
}
