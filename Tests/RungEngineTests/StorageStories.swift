import Glibc
import RungCore
import RungStore
import Testing

/// How results are stored, as the pipeline file asks.
@Suite struct StorageStories {
  private func lab(_ compression: String) -> Lab {
    let lab = Lab()
    lab.simulated = false
    write(compression, to: lab)
    return lab
  }

  private func write(_ compression: String, to lab: Lab) {
    lab.pipeline(
      """
      steps:
        a:
          run: "mkdir {out.d}; head -c 1000000 /dev/zero | tee {out.d}/w > {out.w}; echo >> {out.d}/w"
          outputs: {w: {path: w.bin, compression: \(compression)}, d: {path: d, directory: true, compression: raw}}
      """)
  }

  private func stored(_ digest: Digest, in lab: Lab) throws -> Int64? {
    let store = try ObjectStore(path: "\(lab.root)/cache", durability: .none)
    return try store.objects().first { $0.digest == digest }?.stored
  }

  @Test func anOutputIsStoredAsItsFileAsks() throws {
    let zeros = Digest(of: [UInt8](repeating: 0, count: 1_000_000))
    let inFolder = Digest(of: [UInt8](repeating: 0, count: 1_000_000) + [10])
    let raw = lab("raw")
    #expect(try raw.run().counts == [1, 0, 0, 0, 0])
    #expect(try stored(zeros, in: raw) == 1_000_000)
    #expect(try stored(inFolder, in: raw) == 1_000_001)
    for compression in ["auto", "1", "19"] {
      let lab = lab(compression)
      #expect(try lab.run().counts == [1, 0, 0, 0, 0])
      #expect(try #require(try stored(zeros, in: lab)) < 10_000)
    }
  }

  @Test func howAnOutputIsStoredIsNoPartOfTheResult() throws {
    let lab = lab("raw")
    let zeros = Digest(of: [UInt8](repeating: 0, count: 1_000_000))
    #expect(try lab.run().counts == [1, 0, 0, 0, 0])
    for compression in ["auto", "19"] {
      write(compression, to: lab)
      #expect(try lab.run().counts == [0, 1, 0, 0, 0])
      // What is there stays as it is.
      #expect(try stored(zeros, in: lab) == 1_000_000)
    }
  }
}
