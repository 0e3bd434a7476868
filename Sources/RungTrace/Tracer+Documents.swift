import RungCore
import RungFormats
import RungLedger
import RungStore

extension Tracer {
  // Published pictures that are larger are not compared with images in documents, in bytes.
  private static let largestPicture: Int64 = 64 << 20

  /// The figures in a PDF that lies at a path: those with a stamp, and the images and attached files that are published
  /// figures of this project. Nil when it is no PDF, when nothing is in it, and for one that a step of this cache has
  /// made: then `trace` says more.
  ///
  /// Throws what `find` throws when the PDF cannot be looked through or none of its figures is known.
  public func document(at path: String) throws(TraceError) -> TracedDocument? {
    guard let bytes = StampedFile.content(of: path), bytes.starts(with: Array("%PDF-".utf8)) else { return nil }
    let unknown: TraceError
    do {
      _ = try find(fileAt: path)
      return nil
    } catch {
      if error.code == .cache { throw error }
      unknown = error
    }
    let found: [EmbeddedFigure]
    do {
      found = try EmbeddedFigures.inPDF(bytes)
    } catch {
      throw unknown.adding("figures in it cannot be found: \(error.message)")
    }
    if found.isEmpty { return nil }
    let pictures = pictures(of: Set(found.compactMap { $0.pixels == nil ? nil : $0.size }))
    let figures = found.map { traced($0, pictures) }
    guard figures.contains(where: { $0.verdict != .unknown }) else {
      throw unknown.adding("of the \(found.count) images and files in it this project has published none")
    }
    return TracedDocument(file: path, digest: Digest(of: bytes), figures: figures)
  }

  private func traced(_ figure: EmbeddedFigure, _ pictures: [PixelDigest: Digest]) -> TracedFigure {
    if let stamp = figure.stamp {
      guard let subject = try? find(stamp.instance, stamp.artifact, place: nil) else {
        return TracedFigure(figure: figure, verdict: .elsewhere, subject: nil)
      }
      return TracedFigure(figure: figure, verdict: verdict(figure, stamp), subject: subject)
    }
    let digest = figure.content ?? figure.pixels.flatMap { pictures[$0] }
    guard let digest, let subject = try? find(digest.description, digest, place: nil) else {
      return TracedFigure(figure: figure, verdict: .unknown, subject: nil)
    }
    return TracedFigure(figure: figure, verdict: .unedited, subject: subject)
  }

  private func verdict(_ figure: EmbeddedFigure, _ stamp: Stamp) -> TracedFigure.Verdict {
    if let content = figure.content { return content == stamp.artifact ? .unedited : .edited }
    guard let bytes = try? store.read(stamp.artifact, limit: Self.largestPicture) else { return .unchecked }
    guard let drawing = try? EmbeddedFigures.drawing(ofPDF: bytes) else { return .unchecked }
    guard figure.drawing == drawing else { return .edited }
    // Pixels that a drawing shows lie elsewhere in the document, where nobody compares them.
    return EmbeddedFigures.drawsAlone(ofPDF: bytes) ? .unedited : .unchecked
  }

  // The published PNG files of these sizes, by their pixels.
  private func pictures(of sizes: Set<EmbeddedFigure.Size>) -> [PixelDigest: Digest] {
    if sizes.isEmpty { return [:] }
    var found: [PixelDigest: Digest] = [:]
    let published = (try? ledger.published(project: project)) ?? []
    for digest in Set(published.filter { $0.path.lowercased().hasSuffix(".png") }.map(\.digest)) {
      guard let head = try? store.read(digest, range: 0..<24), head.count == 24 else { continue }
      func number(_ at: Int) -> Int { head[at..<at + 4].reduce(0) { $0 << 8 | Int($1) } }
      guard sizes.contains(EmbeddedFigure.Size(width: number(16), height: number(20))) else { continue }
      guard let bytes = try? store.read(digest, limit: Self.largestPicture),
        let image = try? PNGImage(bytes, limit: 1 << 28), let pixels = PixelDigest(image)
      else { continue }
      found[pixels] = digest
    }
    return found
  }
}
