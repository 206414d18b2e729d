export default function ModifyPage(_: { identifier?: string }) { return null; }
