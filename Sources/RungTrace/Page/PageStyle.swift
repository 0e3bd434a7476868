/// The style sheet of a trace's page: light or dark as the reader has it, and fit for printing.
enum PageStyle {
  static let css = """
    :root { color-scheme: light dark; --back: #fff; --fore: #1c2430; --soft: #5d6978; --line: #dbe0e6; --card: #f6f8fa;
      --mark: #2f6db3; --box: #eef4fb; --warn: #8a4b00; --warnback: #fff4e0; }
    @media (prefers-color-scheme: dark) { :root { --back: #14181e; --fore: #e3e8ee; --soft: #98a4b3; --line: #2d353f;
      --card: #1b2129; --mark: #74aef0; --box: #1d2a3a; --warn: #ffc46b; --warnback: #352812; } }
    * { box-sizing: border-box; }
    body { margin: 0; background: var(--back); color: var(--fore); font: 15px/1.5 system-ui, sans-serif; }
    main { max-width: 1060px; margin: 0 auto; padding: 32px 24px 64px; }
    h1 { font-size: 26px; line-height: 1.25; margin: 0 0 4px; overflow-wrap: anywhere; }
    h2 { font-size: 18px; margin: 40px 0 12px; padding-bottom: 6px; border-bottom: 1px solid var(--line); }
    h2 small, .soft { color: var(--soft); font-weight: normal; font-size: 13.5px; }
    code, pre, .mono { font: 12.5px/1.5 ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
    pre { margin: 4px 0 0; white-space: pre-wrap; }
    .top { display: flex; flex-wrap: wrap; gap: 28px; margin-top: 20px; align-items: flex-start; }
    figure { margin: 0; flex: 1 1 400px; padding: 12px; border: 1px solid var(--line); border-radius: 8px;
      background: #fff; text-align: center; }
    figure img { max-width: 100%; max-height: 480px; height: auto; }
    figure pre { text-align: left; color: #1c2430; max-height: 420px; overflow: hidden; }
    dl { flex: 1 1 360px; margin: 0; display: grid; grid-template-columns: max-content 1fr; gap: 5px 14px; }
    dt { color: var(--soft); }
    dd { margin: 0; overflow-wrap: anywhere; }
    .warn { margin-top: 20px; padding: 12px 16px; border-radius: 8px; background: var(--warnback); color: var(--warn); }
    .warn ul { margin: 4px 0 0; padding-left: 20px; }
    .drawing { overflow-x: auto; padding: 4px 0; }
    .graph { display: block; max-width: 100%; height: auto; margin: 0 auto; }
    .graph text { font: 600 13px system-ui, sans-serif; text-anchor: middle; fill: var(--fore); }
    .graph text.note { font-weight: normal; font-size: 11.5px; fill: var(--soft); }
    .graph rect { fill: var(--box); stroke: var(--mark); }
    .graph .file rect { fill: var(--mark); }
    .graph .file text { fill: var(--back); }
    .graph .edge { fill: none; stroke: var(--soft); stroke-width: 1.3; }
    .graph .many { stroke-width: 3; }
    .graph .head { fill: var(--soft); }
    table { width: 100%; border-collapse: collapse; font-size: 14px; }
    th { text-align: left; color: var(--soft); font-weight: normal; padding: 4px 10px 4px 0; vertical-align: bottom; }
    td { padding: 7px 10px 7px 0; border-top: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
    tr.more td { border-top: 0; padding-top: 0; }
    tr.more td > div { background: var(--card); border-radius: 6px; padding: 8px 12px; }
    td.name { font-weight: 600; }
    td.name small { display: block; font-weight: normal; color: var(--soft); }
    details { margin: 4px 0; }
    summary { cursor: pointer; }
    footer { margin-top: 48px; color: var(--soft); font-size: 13px; }
    @media print { main { max-width: none; padding: 0; } body { font-size: 11pt; } tbody, figure { break-inside: avoid; }
      h2 { break-after: avoid; } }

    """
}
