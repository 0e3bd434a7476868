import RungCore

/// Something in a PDF that may be a figure which an experiment made.
public struct EmbeddedFigure: Hashable, Sendable {
  /// What it is to the document.
  public enum Kind: Hashable, Sendable {
    /// A drawing: a page of another PDF that was made part of this one, or a whole page that came from elsewhere.
    case drawing
    /// An image, such as LaTeX and other programs make of a PNG or JPEG file.
    case image
    /// A file that is attached, by its name.
    case attachment(name: String)
  }

  /// What it is to the document.
  public let kind: Kind
  /// The page that shows it first, from 1; nil for what belongs to the document as a whole.
  public let page: Int?
  /// What the figure says about itself. Images lose their stamp on the way.
  public let stamp: Stamp?
  /// Of an attachment, the file, without its stamp when it is stamped and unedited; of a JPEG image, the JPEG file. It is
  /// an artifact's digest when the file is that artifact.
  public let content: Digest?
  /// Of a drawing, what its content stream holds: that of the figure's own file is the same (`EmbeddedFigures.drawing`)
  /// unless the figure was edited or redrawn.
  public let drawing: Digest?
  /// Of an image, what its pixels are, to be compared with those of a PNG; nil when they are stored in a way that
  /// changes them, such as JPEG.
  public let pixels: PixelDigest?
  /// Of an image, its width and height in pixels; else nil.
  public let size: Size?

  /// Width and height in pixels.
  public struct Size: Hashable, Sendable {
    /// Pixels in a row.
    public let width: Int
    /// Rows.
    public let height: Int

    /// A size.
    public init(width: Int, height: Int) {
      self.width = width
      self.height = height
    }
  }

  init(
    _ kind: Kind, page: Int?, stamp: Stamp? = nil, content: Digest? = nil, drawing: Digest? = nil,
    pixels: PixelDigest? = nil, size: Size? = nil
  ) {
    self.kind = kind
    self.page = page
    self.stamp = stamp
    self.content = content
    self.drawing = drawing
    self.pixels = pixels
    self.size = size
  }
}
