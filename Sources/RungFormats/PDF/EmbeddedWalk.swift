import RungCore

/// A walk through a document that looks at each of its objects once.
struct EmbeddedWalk {
  private(set) var figures: [EmbeddedFigure] = []
  private var document: PDFDocument
  private var seen: Set<Int> = []

  init(_ document: PDFDocument) { self.document = document }

  /// Finds everything. On a document of one page, a stamp that is the document's own is left out.
  mutating func all(except own: Stamp?) {
    let pages = pages()
    for (index, page) in pages.enumerated() {
      // Reached through the resources again, as through a link, it would be another page's.
      let resources = enter(page["Resources"])
      if let stamp = stamp(inResources: resources), pages.count > 1 || stamp != own {
        figures.append(
          EmbeddedFigure(.drawing, page: index + 1, stamp: stamp, drawing: drawing(ofPage: page)))
      }
      objects(in: resources, page: index + 1)
      files(page["AF"], page: index + 1)
      for annotation in enter(page["Annots"])?.array ?? [] {
        if let note = enter(annotation) { file(note["FS"], page: index + 1) }
      }
    }
    let catalog = document.catalog
    names(document.resolve(catalog?["Names"])?["EmbeddedFiles"])
    files(catalog?["AF"], page: nil)
  }

  /// The pages in their order, with the resources that they inherit.
  mutating func pages() -> [PDFValue] {
    var pages: [PDFValue] = []
    var nodes: [(node: PDFValue?, resources: PDFValue?)] = [(document.catalog?["Pages"], nil)]
    while let (reference, inherited) = nodes.popLast() {
      guard let node = enter(reference), node.entries != nil else { continue }
      let resources = node["Resources"] ?? inherited
      if let kids = enter(node["Kids"])?.array {
        // What all kids have in common is looked at with the first.
        nodes += kids.dropFirst().reversed().map { ($0, nil) }
        if let first = kids.first { nodes.append((first, resources)) }
      } else if let resources {
        pages.append(node.setting([("Resources", resources)]))
      } else {
        pages.append(node)
      }
    }
    return pages
  }

  /// The digest of what a page's content streams hold together.
  mutating func drawing(ofPage page: PDFValue) -> Digest? { content(ofPage: page).map { Self.drawing($0) } }

  // The content streams of a page, one after the other.
  mutating func content(ofPage page: PDFValue) -> [UInt8]? {
    let contents = document.resolve(page["Contents"])?.array ?? page["Contents"].map { [$0] } ?? []
    var plain: [UInt8] = []
    for part in contents {
      guard let object = document.object(part), let bytes = try? document.decoded(object) else { return nil }
      if !plain.isEmpty { plain.append(0x0A) }
      plain += bytes
    }
    return plain
  }

  // Programs add and drop white space at the end.
  private static func drawing(_ content: [UInt8]) -> Digest {
    Digest(of: content[..<((content.lastIndex { !PDFParser.isSpace($0) } ?? -1) + 1)])
  }

  // What a value stands for; nil when it is an object that was looked at before.
  private mutating func enter(_ value: PDFValue?) -> PDFValue? {
    if case .reference(let number, _)? = value, !seen.insert(number).inserted { return nil }
    return document.resolve(value)
  }

  private mutating func stamp(inResources resources: PDFValue?) -> Stamp? {
    Stamping.stamp(in: enter(enter(resources?["Properties"])?["RungStamp"]))
  }

  // Images and forms in resources, and in the resources of these forms. What a stamped form consists of is not looked at.
  private mutating func objects(in resources: PDFValue?, page: Int) {
    var open = [resources]
    while let next = open.popLast() {
      for entry in enter(next?["XObject"])?.entries ?? [] {
        guard case .reference(let number, _) = entry.value, seen.insert(number).inserted else { continue }
        guard let object = document.object(entry.value) else { continue }
        if object.value["Subtype"]?.isName("Form") == true {
          let inner = enter(object.value["Resources"])
          let byTeX = Stamping.stamp(in: enter(object.value["PTEX.InfoDict"]))
          guard let stamp = stamp(inResources: inner) ?? byTeX else {
            open.append(inner)
            continue
          }
          let content = try? document.decoded(object)
          figures.append(
            EmbeddedFigure(.drawing, page: page, stamp: stamp, drawing: content.map { Self.drawing($0) }))
        } else if let image = PDFImage(object, &document) {
          figures.append(
            EmbeddedFigure(
              .image, page: page, content: image.file, pixels: image.pixels,
              size: EmbeddedFigure.Size(width: image.width, height: image.height)))
        }
      }
    }
  }

  // A name tree (7.9.6).
  private mutating func names(_ root: PDFValue?) {
    var nodes = [root]
    while let next = nodes.popLast() {
      guard let node = enter(next) else { continue }
      nodes += (enter(node["Kids"])?.array ?? []).reversed()
      let pairs = enter(node["Names"])?.array ?? []
      for index in stride(from: 1, to: pairs.count, by: 2) { file(pairs[index], page: nil) }
    }
  }

  private mutating func files(_ list: PDFValue?, page: Int?) {
    guard let items = enter(list)?.array else { return }
    for item in items { file(item, page: page) }
  }

  // A file specification (7.11.3) whose file lies in the document.
  private mutating func file(_ reference: PDFValue?, page: Int?) {
    guard let specification = enter(reference), let files = enter(specification["EF"]),
      let place = files["F"] ?? files["UF"], case .reference(let number, _) = place, seen.insert(number).inserted,
      let object = document.object(place), let bytes = try? document.decoded(object)
    else { return }
    let name = document.resolve(specification["UF"])?.title ?? document.resolve(specification["F"])?.title ?? ""
    let reading = Stamping.reading(bytes)
    figures.append(
      EmbeddedFigure(
        .attachment(name: name), page: page, stamp: reading?.stamp, content: Digest(of: reading?.original ?? bytes)))
  }
}
