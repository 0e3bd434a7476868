import Glibc
import RungCore
import RungFormats
import RungLedger

@testable import RungStore

/// Everything that reads bytes which a disk, or somebody, may have changed. Each either reads them or says that it
/// cannot; it never crashes, never takes memory or time out of proportion, and what it reads it writes back the same.
///
/// Run by the tests with the files of the corpus, and by libFuzzer with what it makes of them (`make fuzz`).
enum Decoder: String, CaseIterable {
  case tree, record, json, list, entry, table, frames, pack, tensors
  case stamp, figures, picture, comparison, action

  func run(_ bytes: [UInt8]) {
    switch self {
    case .tree:
      if let tree = try? TreeManifest(decoding: bytes) { check(tree.encoded == bytes, "a manifest") }
    case .record:
      if let record = Record(bytes: bytes) {
        check(Record(bytes: record.bytes)?.bytes == record.bytes, "a record")
      }
    case .json:
      if let json = try? JSON(parsing: bytes) {
        // Not the value itself: NaN, which Python writes, becomes null.
        let written = json.compactBytes
        check((try? JSON(parsing: written))?.compactBytes == written, "a JSON text")
      }
    case .list:
      if let list = ObjectList(decoding: bytes) { check(list.encoded == bytes, "a list") }
    case .entry:
      // The digest over the header would keep a fuzzer out.
      bytes.withRaw { raw in
        guard raw.count >= PackEntry.headerSize else { return }
        if let entry = PackEntry(raw) {
          var again = [UInt8](repeating: 0, count: PackEntry.headerSize)
          again.withUnsafeMutableBytes { entry.encode(to: $0) }
          check(again == Array(raw.prefix(PackEntry.headerSize)), "an entry")
        }
      }
    case .table:
      bytes.withRaw { raw in
        guard let table = SeekTable(raw) else { return }
        let size = table.stored.reduce(Int64(raw.count)) { $0 + Int64($1) }
        if let segments = table.segments(fileSize: size, tableSize: raw.count, planes: .off) {
          check(segments.allSatisfy { $0.offset >= 0 && $0.stored > 0 && $0.plain <= Frames.mostPlain }, "a table")
        }
        check(table.segments(fileSize: size + 1, tableSize: raw.count, planes: .off) == nil, "a table")
      }
    case .frames: frames(bytes)
    case .pack: pack(bytes)
    case .tensors:
      var most = 0
      let offsets = TensorBoundaries.offsets(size: Int64(bytes.count)) { (offset: Int64, count: Int) -> [UInt8] in
        most += 1
        check(offset >= 0 && count >= 0 && count <= 64 << 20, "a read of \(count) bytes at \(offset)")
        guard offset < bytes.count else { return [] }
        return Array(bytes[Int(offset)..<min(Int(offset) + count, bytes.count)])
      }
      check(zip(offsets, offsets.dropFirst()).allSatisfy { $0 < $1 }, "boundaries out of order")
      check(offsets.allSatisfy { $0 > 0 && $0 <= Int64(bytes.count) }, "boundaries outside")
      check(most < 1000, "\(most) reads")
    case .stamp: stamp(bytes)
    case .figures: _ = try? EmbeddedFigures.inPDF(bytes)
    case .picture:
      if let image = try? PNGImage(bytes, limit: 1 << 24) {
        let size = image.width * image.height * image.channels * (image.depth / 8)
        check(image.samples.count == size, "a picture of \(image.samples.count) bytes")
      }
    case .comparison: comparison(bytes)
    case .action:
      if let result = ActionResult(bytes: bytes) {
        check(ActionResult(bytes: result.bytes) == result, "an action result")
        check(result.files.count <= bytes.count / 64, "\(result.files.count) files of \(bytes.count) bytes")
      }
    }
  }

  // What is read off a file gives that file when it is stamped again; and whatever can be stamped can be read.
  private func stamp(_ bytes: [UInt8]) {
    if let reading = Stamping.reading(bytes), reading.original != bytes {
      check(Stamping.stamped(reading.original, with: reading.stamp) == bytes, "a stamp that was read")
    }
    let own = Stamp(artifact: Digest(of: bytes), record: .empty, run: nil, instance: "p/s", output: "o")
    guard let stamped = Stamping.stamped(bytes, with: own) else { return }
    let again = Stamping.reading(stamped)
    check(again?.stamp == own && again?.original == bytes, "a stamp that was written")
  }

  // The first byte says what the two halves of the rest are called; both ways round they differ or not.
  private func comparison(_ bytes: [UInt8]) {
    guard let first = bytes.first else { return }
    let rest = bytes.dropFirst()
    let left = Array(rest.prefix(rest.count / 2))
    let right = Array(rest.dropFirst(rest.count / 2))
    let name = ["a.json", "a.csv", "a.jsonl", "a.npy", "a.npz", "a.png", "a.txt", "a.tsv"][Int(first & 7)]
    let tolerance = first & 8 == 0 ? nil : NumberTolerance(absolute: 0.5, relative: 0.01)
    let verdicts = [
      OutputComparison.compare(left, right, named: name, tolerance: tolerance),
      OutputComparison.compare(right, left, named: name, tolerance: tolerance),
    ].map { verdict in
      switch verdict {
      case .identical: 0
      case .within: 1
      case .different: 2
      }
    }
    check(verdicts[0] == verdicts[1], "a comparison that is not symmetric")
    check((verdicts[0] == 0) == (left == right), "a comparison of equal bytes")
  }

  // The first byte says how the frame's bytes are grouped and how long they should be.
  private func frames(_ bytes: [UInt8]) {
    guard let first = bytes.first, let codec = try? Codec() else { return }
    let frame = Array(bytes.dropFirst())
    codec.fit(1 << 16)
    let planes = BytePlanes.allCases[Int(first & 3)]
    let plain = UnsafeMutableRawBufferPointer(rebasing: codec.plain[..<(Int(first >> 2) * 37)])
    frame.withRaw { _ = codec.decompress($0, planes: planes, into: plain) }
    // The same as a stream, as files of format 1 are read.
    var rest = frame[...]
    var total = 0
    _ = try? codec.decompress(
      next: { buffer throws(StoreError) in
        let piece = rest.prefix(min(buffer.count, 1 + Int(first)))
        for (index, byte) in piece.enumerated() { buffer[index] = byte }
        rest = rest.dropFirst(piece.count)
        return piece.count
      },
      { piece throws(StoreError) in
        total += piece.count
        // A frame may claim anything; a reader has a limit.
        if total > 8 << 20 { throw StoreError(.tooLarge, "enough") }
      })
  }

  private func pack(_ bytes: [UInt8]) {
    var template = Array("/dev/shm/rung-pack-XXXXXX".utf8CString)
    let descriptor = mkstemp(&template)
    guard descriptor >= 0 else { return }
    unlink(template)
    let file = PackFile(pack: 1, descriptor: descriptor, .live)
    _ = bytes.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
    guard let scan = try? PackScan(file, from: 0, codec: Codec(), .live, at: "a pack") else {
      return check(false, "a pack cannot be read")
    }
    var end: Int64 = 0
    for (_, place) in scan.entries {
      check(place.offset >= end && place.end <= Int64(bytes.count), "entries overlap")
      end = place.end
    }
  }
}

private func check(_ isTrue: Bool, _ what: String) {
  if !isTrue { fatalError("a decoder errs: \(what)") }
}
