import Glibc
import RungCore

/// An object that is open for reading: its pieces in order, and the files in which they lie.
///
/// A part of a list is verified by its own name when it is damaged, so that what is set aside is that part.
final class Stored: Sendable {
  /// A file with pieces of the object.
  enum Source: Sendable {
    /// A pack, which others use too; the entry's header lies before the piece.
    case pack(PackFile, ObjectStore.Name, PackPlace)
    /// A file of the object's own.
    case file(PackFile, Form)

    var descriptor: Int32 {
      switch self {
      case .pack(let file, _, _), .file(let file, _): file.descriptor
      }
    }
  }

  let name: ObjectStore.Name
  let sources: [Source]
  /// Empty where the frames have no table: then the one source is read from its beginning.
  let segments: [Segment]
  let isStream: Bool
  /// The plain size; nil of a stream.
  let size: Int64?

  init(_ name: ObjectStore.Name, sources: [Source], segments: [Segment]?) {
    self.name = name
    self.sources = sources
    self.segments = segments ?? []
    isStream = segments == nil
    size = segments?.reduce(0) { $0 + Int64($1.plain) }
  }

  /// The most plain bytes of a piece.
  var largest: Int { segments.reduce(0) { max($0, $1.plain) } }
}

extension Stored {
  /// The piece in which the byte at `offset` lies, and where that piece begins.
  func piece(at offset: Int64) -> (piece: Int, start: Int64) {
    var start: Int64 = 0
    for (piece, segment) in segments.enumerated() {
      if start + Int64(segment.plain) > offset { return (piece, start) }
      start += Int64(segment.plain)
    }
    return (segments.count, start)
  }

  /// True when the object's file is its bytes.
  var isRaw: Bool { segments.first?.isRaw == true }

  /// True when the object is others put end to end.
  var isList: Bool {
    guard case .pack(_, let first, _)? = sources.first else { return false }
    return first != name
  }
}
