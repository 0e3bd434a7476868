import RungCore

/// How hard to compress, as measured (docs/decisions/0011-store-format-2.md).
enum Levels {
  /// For what goes into packs: the time is that of the file system's calls anyway.
  static let small = 3
  /// For large objects: more costs more than it saves.
  static let large = 3
  /// For numbers whose bytes are grouped: there more saves nothing at all.
  static let planes = 1
  /// What shrinks by less than this share is stored as it is: restoring it then needs no decompression, and where the
  /// file system shares blocks, no copying.
  static let leastGain = 0.05

  /// In which form a large file is stored, and at which level; nil: not compressed.
  struct Way {
    var form: Form
    var level: Int?
    var planes: BytePlanes { if case .zstd(let planes) = form { planes } else { .off } }
  }

  /// Decides by samples from the beginning, the middle and near the end of the file.
  static func way(
    of descriptor: Int32, size: Int64, _ wanted: Compression, _ store: ObjectStore, at place: String
  ) throws(StoreError) -> Way {
    if wanted == .raw { return Way(form: .raw, level: nil) }
    let length = BytePlanes.largestSample
    let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 3 * length, alignment: 64)
    defer { room.deallocate() }
    var samples: [UnsafeRawBufferPointer] = []
    for (number, part) in [1, 4, 7].enumerated() {
      // Where a frame begins, so that the bytes of a number have the place in it that they will have.
      let offset = max(0, min(size / 8 * Int64(part), size - Int64(length))) / Int64(Frames.plain) * Int64(Frames.plain)
      let sample = UnsafeMutableRawBufferPointer(rebasing: room[number * length..<(number + 1) * length])
      let count = try store.fileSystem.read(descriptor, sample, from: offset, at: place)
      samples.append(UnsafeRawBufferPointer(rebasing: sample[..<count]))
    }
    let choice = BytePlanes.choose(samples)
    if wanted == .auto && choice.share > 1 - leastGain { return Way(form: .raw, level: nil) }
    let level =
      if case .level(let level) = wanted { min(max(level, 1), 19) } else { choice.planes == .off ? large : planes }
    return Way(form: .zstd(planes: choice.planes), level: level)
  }
}
