// Verifies chains as a Java client does: java VerifyChains.java FOLDER, where each NAME.leaf, NAME.subordinate and NAME.root is a
// certificate in PEM. Prints how many were good; a bad one ends the program.
import java.nio.file.*;
import java.security.cert.*;
import java.util.*;

public class VerifyChains {
    static X509Certificate load(CertificateFactory factory, Path path) throws Exception {
        try (var in = Files.newInputStream(path)) {
            return (X509Certificate) factory.generateCertificate(in);
        }
    }

    public static void main(String[] arguments) throws Exception {
        var factory = CertificateFactory.getInstance("X.509");
        var validator = CertPathValidator.getInstance("PKIX");
        int good = 0;
        try (var leaves = Files.newDirectoryStream(Path.of(arguments[0]), "*.leaf")) {
            for (var path : leaves) {
                var stem = path.toString().substring(0, path.toString().length() - ".leaf".length());
                var leaf = load(factory, path);
                var chain = factory.generateCertPath(List.of(leaf, load(factory, Path.of(stem + ".subordinate"))));
                var anchor = new TrustAnchor(load(factory, Path.of(stem + ".root")), null);
                var parameters = new PKIXParameters(Set.of(anchor));
                parameters.setRevocationEnabled(false);
                validator.validate(chain, parameters);
                if (!leaf.getExtendedKeyUsage().contains("1.3.6.1.5.5.7.3.1"))
                    throw new Exception(path + ": not for servers");
                good++;
            }
        }
        System.out.println(good);
    }
}
