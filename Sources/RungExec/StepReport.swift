import RungCore

/// What `rung-step` wrote of one step; see Sources/rung-step/report.c for the other side.
struct StepReport {
  /// What kept the step from starting.
  enum Stage: UInt32 {
    case none, plan, namespaces, view, fork, limits, recorder, folder, execute
  }

  var stage: Stage
  /// An errno, when the stage is not `none`.
  var code: Int32
  /// The thing that was refused.
  var detail: String
  /// As waitpid says.
  var status: Int32
  var leftBehind: Bool
  /// What was varied, of what the launcher varies.
  var varied: Set<Variation.Aspect>
  var observation: Observation

  /// Reads a report; nil when it is cut short or none.
  init?(_ bytes: [UInt8], recorder: Bool) {
    var reader = Reader(bytes: bytes[...])
    guard reader.number(UInt32.self) == 0x3152_5352,
      let stage = reader.number(UInt32.self).flatMap(Stage.init(rawValue:)),
      let code = reader.number(Int32.self), let status = reader.number(Int32.self),
      let flags = reader.number(UInt32.self), let detail = reader.number(UInt32.self),
      let problems = reader.number(UInt32.self), let entries = reader.number(UInt32.self),
      let text = reader.text(Int(detail))
    else { return nil }
    self.stage = stage
    self.code = code
    self.status = status
    leftBehind = flags & 1 != 0
    let bits: [(UInt32, Variation.Aspect)] = [
      (2, .hostName), (4, .processNumbers), (8, .processors), (16, .listingOrder),
    ]
    varied = Set(bits.filter { flags & $0.0 != 0 }.map(\.1))
    self.detail = text
    var sentences: [String] = []
    for _ in 0..<problems {
      guard let length = reader.number(UInt32.self), let sentence = reader.text(Int(length)) else { return nil }
      sentences.append(sentence)
    }
    guard var observation = Observation(reader.rest, count: Int(entries)) else { return nil }
    observation.isRecorded = recorder
    observation.problems = sentences + observation.problems
    self.observation = observation
  }
}

extension StepReport {
  // Reads native numbers and texts from front to back; nil at the end.
  struct Reader {
    let bytes: ArraySlice<UInt8>
    var at: Int

    init(bytes: ArraySlice<UInt8>) {
      self.bytes = bytes
      at = bytes.startIndex
    }

    var isAtEnd: Bool { at == bytes.endIndex }
    var rest: ArraySlice<UInt8> { bytes[at...] }

    // Passes over an entry; says whether its path is UTF-8. Nil when it is cut short.
    mutating func skipEntry() -> Bool? {
      guard let path = number(UInt32.self), let names = number(UInt32.self), slice(48) != nil,
        let text = slice(Int(path)), slice(Int(names)) != nil
      else { return nil }
      return text.allSatisfy { $0 < 0x80 } || String(validating: text, as: UTF8.self) != nil
    }

    mutating func number<T: FixedWidthInteger>(_ type: T.Type) -> T? {
      let size = MemoryLayout<T>.size
      guard size <= bytes.endIndex - at else { return nil }
      defer { at += size }
      let offset = at - bytes.startIndex
      return bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: T.self) }
    }

    mutating func slice(_ count: Int) -> ArraySlice<UInt8>? {
      guard count >= 0, count <= bytes.endIndex - at else { return nil }
      defer { at += count }
      return bytes[at..<(at + count)]
    }

    mutating func text(_ count: Int) -> String? { slice(count).map { String(decoding: $0, as: UTF8.self) } }

    struct Entry {
      var value: ObservedPath?
    }

    mutating func entry() -> Entry? {
      guard let pathLength = number(UInt32.self), let namesLength = number(UInt32.self), let mode = number(UInt32.self),
        let uses = number(UInt16.self), let flags = number(UInt16.self), let device = number(UInt64.self),
        let inode = number(UInt64.self), let size = number(UInt64.self), let modified = number(Int64.self),
        let changed = number(Int64.self), let path = slice(Int(pathLength)), let names = slice(Int(namesLength))
      else { return nil }
      guard let text = String(validating: path, as: UTF8.self) else { return Entry(value: nil) }
      return Entry(
        value: ObservedPath(
          path: text, isInProject: flags & 1 != 0, uses: ObservedPath.Uses(rawValue: uses), mode: mode, device: device,
          inode: inode, size: Int64(truncatingIfNeeded: size), modified: modified, changed: changed,
          wasChanged: flags & 2 != 0, isStaged: flags & 4 != 0, extra: Array(names)))
    }
  }
}
