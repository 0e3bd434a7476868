import RungCore

/// The figures in a document that others made, such as a paper.
///
/// What is found depends on how a figure came into it:
/// - the page of a stamped PDF, by pdfTeX, LuaTeX and others that keep the page's resources, and by programs that put
///   whole pages together: with its stamp;
/// - a PNG: without its stamp, but with its pixels, unless the program scaled or recompressed them;
/// - a JPEG: the file as it was;
/// - an attached file: as it was, with its stamp.
///
/// An SVG that was converted to PDF leaves nothing that could be known again.
public enum EmbeddedFigures {
  /// The figures in a PDF: those with a stamp, all images and all attached files, by pages. The stamp of the document
  /// itself is none of them; what is under it, when it is unedited, is what is looked through.
  ///
  /// Throws when the bytes are no PDF, or one that is encrypted, has more than a million objects, four million values or
  /// 256 MiB of packed data that must be looked at. Damaged parts are passed over. Images beyond these 256 MiB are listed
  /// without pixels.
  public static func inPDF(_ bytes: [UInt8]) throws(FormatError) -> [EmbeddedFigure] {
    let own = Stamping.reading(bytes)
    let document = try PDFDocument(own?.original ?? bytes)
    guard document.catalog != nil else { throw FormatError("the PDF has no catalog, so nothing in it can be found") }
    var walk = EmbeddedWalk(document)
    walk.all(except: own?.stamp)
    return walk.figures
  }

  /// What the content stream of the first page of a PDF holds, to be compared with `EmbeddedFigure.drawing`. Throws like
  /// `inPDF`, and when there is no page or its content is damaged.
  public static func drawing(ofPDF bytes: [UInt8]) throws(FormatError) -> Digest {
    var walk = EmbeddedWalk(try PDFDocument(bytes))
    guard let page = walk.pages().first else { throw FormatError("the PDF has no page") }
    guard let drawing = walk.drawing(ofPage: page) else {
      throw FormatError("the content of the PDF's page is damaged")
    }
    return drawing
  }

  /// Whether the first page of a PDF draws everything by itself: no images, forms or shadings, which lie elsewhere in the
  /// file and are no part of `drawing`. False too when that cannot be told.
  public static func drawsAlone(ofPDF bytes: [UInt8]) -> Bool {
    guard let document = try? PDFDocument(bytes) else { return false }
    var walk = EmbeddedWalk(document)
    guard let page = walk.pages().first, let content = walk.content(ofPage: page) else { return false }
    let words = content.split { PDFParser.isSpace($0) }
    return !words.contains { $0.elementsEqual("Do".utf8) || $0.elementsEqual("sh".utf8) }
  }
}
