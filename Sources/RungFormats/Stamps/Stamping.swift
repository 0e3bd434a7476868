import RungCore

/// Stamps in figures: PNG, SVG and PDF have room for one that does not change the picture.
///
/// - PNG: an `iTXt` chunk with the keyword `rung` after the header.
/// - SVG: a `metadata` element as the first child of the root, with a `stamp` element of our namespace in it.
/// - PDF: an incremental update that adds `RungStamp` to the document information and to the first page.
///
/// What a tool does to a stamped file shows: `read` gives back the bytes before stamping only when the file is, to the
/// byte, what `stamped` makes of them.
public enum Stamping {
  /// What a file that carries a stamp holds.
  public struct Reading: Hashable, Sendable {
    /// What the stamp says.
    public let stamp: Stamp
    /// The bytes before stamping. Of a file that was changed since: what is left without the stamp, where it is still
    /// where stamping puts it, else the file as it is; never the artifact's bytes.
    public let original: [UInt8]

    /// Whether the picture is the one that the stamp names: the bytes under the stamp are the artifact's.
    public var isUnedited: Bool { Digest(of: original) == stamp.artifact }
  }

  /// The file with a stamp in it. The same bytes and stamp give the same file everywhere.
  ///
  /// The stamp of a stamped file is replaced, unless the artifact of the new stamp is that stamped file: a step may
  /// have copied a published figure. Nil for a format that has no room for a stamp, for a damaged file, for an SVG in
  /// UTF-16 or without content, and for an encrypted PDF or one that does not begin with its header.
  public static func stamped(_ bytes: [UInt8], with stamp: Stamp) -> [UInt8]? {
    guard stamp.plainJSON.count <= Stamp.longest, let format = format(of: bytes) else { return nil }
    if case .stamped(_, let original)? = format.find(bytes), Digest(of: bytes) != stamp.artifact {
      return format.insert(original, stamp)
    }
    return format.insert(bytes, stamp)
  }

  /// The stamp of a file and the exact bytes before it was stamped, so that `Digest(of: original) == stamp.artifact`
  /// says that it is unedited. When the file was changed after it was stamped, `original` is not the artifact. Nil when
  /// it has no stamp, or is damaged so much that none is found.
  public static func read(_ bytes: [UInt8]) -> (stamp: Stamp, original: [UInt8])? {
    reading(bytes).map { ($0.stamp, $0.original) }
  }

  /// What `read` says, as a value.
  public static func reading(_ bytes: [UInt8]) -> Reading? {
    switch format(of: bytes)?.find(bytes) {
    case .stamped(let stamp, let original): Reading(stamp: stamp, original: original)
    case .changed(let stamp): Reading(stamp: stamp, original: bytes)
    case nil: nil
    }
  }

  /// Whether a file carries a stamp that does not fit its bytes: it was edited, or written anew by a program that keeps
  /// metadata, after it was published. False for a file without a stamp.
  public static func isEdited(_ bytes: [UInt8]) -> Bool {
    reading(bytes).map { !$0.isUnedited } ?? false
  }

  /// What was found in a file.
  enum Finding {
    /// It is, to the byte, what stamping makes of the original.
    case stamped(Stamp, original: [UInt8])
    /// There is a stamp, and it is not so.
    case changed(Stamp)
  }

  /// How one format takes a stamp.
  struct Format: Sendable {
    /// The bytes with a stamp, whatever they are; nil when they cannot take one.
    let insert: @Sendable ([UInt8], Stamp) -> [UInt8]?
    /// The outermost stamp; nil when there is none.
    let find: @Sendable ([UInt8]) -> Finding?
  }

  private static func format(of bytes: [UInt8]) -> Format? {
    if bytes.starts(with: PNGChunks.signature) { return png }
    if bytes.starts(with: PDFDocument.signature) { return pdf }
    if SVGOutline.mayBeSVG(bytes) { return svg }
    return nil
  }
}
