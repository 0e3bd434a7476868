import Glibc
import RungCore
import Testing

/// What large files have in common with their earlier versions is stored once.
@Suite struct VersionStories {
  /// 24 MiB of numbers that do not compress, and in `changed` a tenth of them anew.
  private struct Weights {
    var bytes: [UInt8]
    private static let size = 24 << 20

    init() {
      bytes = Array("\u{13}NUMPY".utf8) + [UInt8](repeating: 32, count: 122)
      bytes.reserveCapacity(Self.size)
      Self.append(Self.size - 128, seed: 1, to: &bytes)
    }

    static let changedBytes = size / 10

    func changed(at place: Int, seed: UInt64) -> [UInt8] {
      var new: [UInt8] = []
      Self.append(Self.changedBytes, seed: seed, to: &new)
      var bytes = bytes
      bytes.replaceSubrange(place..<(place + new.count), with: new)
      return bytes
    }

    // SplitMix64.
    private static func append(_ count: Int, seed: UInt64, to bytes: inout [UInt8]) {
      var state = seed
      let end = bytes.count + count
      while bytes.count < end {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        word ^= word >> 31
        withUnsafeBytes(of: word) { bytes.append(contentsOf: $0.prefix(end - bytes.count)) }
      }
    }
  }

  private func put(_ bytes: [UInt8], at path: String) throws {
    let file = try #require(fopen(path, "w"))
    defer { fclose(file) }
    try #require(fwrite(bytes, 1, bytes.count, file) == bytes.count)
  }

  private func cacheSize(_ sandbox: Sandbox) throws -> Int {
    let told = try Sandbox.program("/usr/bin/du", ["-sk", "\(sandbox.project)/cache"]).output
    return try #require(told.split(separator: "\t").first.flatMap { Int($0) }) * 1024
  }

  private func expectReadable(_ bytes: [UInt8], _ sandbox: Sandbox) throws {
    let digest = Digest(of: bytes).hex
    let told = try Sandbox.program(
      "/bin/sh", ["-c", "'\(Sandbox.binary)' cache cat \(digest) | sha256sum"], in: sandbox.project)
    #expect(told.output.hasPrefix(digest), "\(told)")
  }

  private static let bound = Int(1.15 * Double(Weights.changedBytes)) + (1 << 20)

  @Test func aNewVersionOfAnOutputCostsWhatChanged() throws {
    // A private view replaces /dev, and with it /dev/shm.
    let sandbox = try Sandbox(under: "/var/tmp")
    let place = "\(sandbox.folder)/weights.npy"
    try sandbox.write(
      """
      pipeline: x
      parameters: {round: 1}
      axes: {epoch: [1]}
      steps:
        fit: {over: [epoch], run: "echo {round} {epoch}; cat '\(place)' > {out.w}", outputs: {w: w.npy}}

      """, to: "pipelines/x/pipeline.yaml")
    let first = Weights()
    try put(first.bytes, at: place)
    #expect(try sandbox.rung("run").code == 0)
    let before = try cacheSize(sandbox)
    #expect(before > 24 << 20)

    // Of the same instance.
    let second = first.changed(at: 7 << 20, seed: 2)
    try put(second, at: place)
    #expect(try sandbox.rung("run", "--set", "round=2").code == 0)
    let grown = try cacheSize(sandbox)
    #expect(grown - before < Self.bound)

    // Of another instance of the step: the epoch before.
    let third = first.changed(at: 15 << 20, seed: 3)
    try put(third, at: place)
    let text = try #require(sandbox.read("pipelines/x/pipeline.yaml"))
    try sandbox.write(text.replacing("epoch: [1]", with: "epoch: [2]"), to: "pipelines/x/pipeline.yaml")
    #expect(try sandbox.rung("run", "--set", "round=2").code == 0)
    #expect(try cacheSize(sandbox) - grown < 2 * Self.bound)

    for bytes in [first.bytes, second, third] { try expectReadable(bytes, sandbox) }
    #expect(try sandbox.rung("cache", "check").code == 0)
  }

  @Test func aNewVersionOfADataSetCostsWhatChanged() throws {
    let sandbox = try Sandbox([
      "pipelines/x/pipeline.yaml": """
      pipeline: x
      steps:
        sum: {run: "cksum < {data} > {out.o}", inputs: {data: data.npy}, outputs: {o: o.txt}}
        count: {run: "cat {folder}/part.npy | wc -c > {out.o}", inputs: {folder: folder}, outputs: {o: o.txt}}

      """,
      "pipelines/x/folder/notes.txt": "a folder\n",
    ])
    let first = Weights()
    let other = first.changed(at: 128, seed: 9)
    try put(first.bytes, at: "\(sandbox.project)/pipelines/x/data.npy")
    try put(other, at: "\(sandbox.project)/pipelines/x/folder/part.npy")
    #expect(try sandbox.rung("run", "sum").code == 0)
    let before = try cacheSize(sandbox)

    let second = first.changed(at: 11 << 20, seed: 2)
    try put(second, at: "\(sandbox.project)/pipelines/x/data.npy")
    #expect(try sandbox.rung("run", "sum").code == 0)
    #expect(try cacheSize(sandbox) - before < Self.bound)

    #expect(try sandbox.rung("run", "count").code == 0)
    let withFolder = try cacheSize(sandbox)
    var third = second
    third.replaceSubrange(..<Weights.changedBytes, with: other[..<Weights.changedBytes])
    try put(third, at: "\(sandbox.project)/pipelines/x/folder/part.npy")
    #expect(try sandbox.rung("run", "count").code == 0)
    #expect(try cacheSize(sandbox) - withFolder < Self.bound)

    for bytes in [first.bytes, second, other, third] { try expectReadable(bytes, sandbox) }
  }
}
