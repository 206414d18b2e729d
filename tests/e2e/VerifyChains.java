/* java VerifyChains.java DIR: verifies each folder of DIR as Java's PKIX does. A folder holds chain.pem (server certificate
 * first, no root), root.pem (the only anchor) and names (the DNS names of the server certificate, one a line). Prints a
 * line "verified FOLDER" or "refused FOLDER: reason" for each. */

import java.io.ByteArrayInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertPath;
import java.security.cert.CertPathValidator;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

public class VerifyChains {
    private static final int DNS_NAME = 2;
    private static final String SERVER_AUTH = "1.3.6.1.5.5.7.3.1";

    public static void main(String[] arguments) throws Exception {
        try (Stream<Path> folders = Files.list(Path.of(arguments[0]))) {
            for (Path folder : folders.sorted().toList())
                report(folder);
        }
    }

    private static void report(Path folder) throws Exception {
        try {
            verify(folder);
            System.out.println("verified " + folder.getFileName());
        } catch (java.security.GeneralSecurityException refusal) {
            System.out.println("refused " + folder.getFileName() + ": " + refusal.getMessage());
        }
    }

    private static void verify(Path folder) throws Exception {
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        List<? extends Certificate> chain = new ArrayList<>(read(factory, folder.resolve("chain.pem")));
        X509Certificate root = (X509Certificate) read(factory, folder.resolve("root.pem")).iterator().next();
        PKIXParameters parameters = new PKIXParameters(Set.of(new TrustAnchor(root, null)));
        parameters.setRevocationEnabled(false);
        CertPath path = factory.generateCertPath(chain);
        CertPathValidator.getInstance("PKIX").validate(path, parameters);
        root.verify(root.getPublicKey()); // PKIX takes an anchor's own signature on trust
        checkServer((X509Certificate) chain.get(0), Files.readAllLines(folder.resolve("names")));
    }

    private static Collection<? extends Certificate> read(CertificateFactory factory, Path file) throws Exception {
        return factory.generateCertificates(new ByteArrayInputStream(Files.readAllBytes(file)));
    }

    private static void checkServer(X509Certificate leaf, List<String> expected) throws CertificateException {
        List<String> names = new ArrayList<>();
        for (List<?> name : leaf.getSubjectAlternativeNames())
            names.add(name.get(0).equals(DNS_NAME) ? (String) name.get(1) : "no DNS name: " + name);
        if (!names.equals(expected))
            throw new CertificateException("the names are " + names + ", not " + expected);
        if (leaf.getExtendedKeyUsage() == null || !leaf.getExtendedKeyUsage().contains(SERVER_AUTH))
            throw new CertificateException("not for a server: " + leaf.getExtendedKeyUsage());
    }
}
