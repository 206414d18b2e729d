export default function UpdatePage(_: { identifier?: string }) { return null; }
