export default function CreatePage(_: { identifier?: string }) { return null; }
