export default function CertificatesPage(_: { identifier?: string }) { return null; }
