extension Site {
  /// Every page of the report. Their bytes depend on the values alone.
  public func pages() -> [Page] {
    let known = Set(texts.map(\.reference))
    let lineagePaths = Set(lineages.map { LineageValues.path(record: $0.record) })
    var pages = [FrontPage(site: self).page]
    pages += pipelines.map { PipelinePage(site: self, $0, known: known, lineages: lineagePaths).page }
    pages += lineages.map { LineagePage(site: self, $0, known: known).page }
    pages += texts.map { TextPage(site: self, $0).page }
    let runs = RunPages(site: self)
    pages.append(runs.list)
    pages.append(runs.comparison)
    pages += self.runs.map { runs.page($0) }
    if isServed { pages.append(LivePage(site: self).page) }
    return pages
  }
}
