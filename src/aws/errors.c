#include "aws/errors.h"

#include <stdlib.h>
#include <string.h>

struct error_row {
    const char *code;
    int status;
};

/* In order of the code. The statuses of RDS's own errors are its service model's, those of the others AWS's
 * page of common errors; where that page and the services differ (SignatureDoesNotMatch, AccessDenied), what
 * the services answer. */
static const struct error_row rows[] = {
    {"AccessDenied", 403},
    {"AccessDeniedException", 403},
    {"AuthorizationNotFound", 404},
    {"BackupPolicyNotFoundFault", 404},
    {"BlueGreenDeploymentNotFoundFault", 404},
    {"CertificateNotFound", 404},
    {"DBClusterNotFoundFault", 404},
    {"DBInstanceAlreadyExists", 400},
    {"DBInstanceAutomatedBackupQuotaExceeded", 400},
    {"DBInstanceNotFound", 404},
    {"DBParameterGroupAlreadyExists", 400},
    {"DBParameterGroupNotFound", 404},
    {"DBParameterGroupQuotaExceeded", 400},
    {"DBProxyAlreadyExistsFault", 400},
    {"DBProxyEndpointNotFoundFault", 404},
    {"DBProxyNotFoundFault", 404},
    {"DBProxyQuotaExceededFault", 400},
    {"DBProxyTargetAlreadyRegisteredFault", 400},
    {"DBProxyTargetGroupNotFoundFault", 404},
    {"DBProxyTargetNotFoundFault", 404},
    {"DBSecurityGroupNotFound", 404},
    {"DBShardGroupNotFound", 404},
    {"DBSnapshotAlreadyExists", 400},
    {"DBSnapshotNotFound", 404},
    {"DBSnapshotTenantDatabaseNotFoundFault", 404},
    {"DBSubnetGroupDoesNotCoverEnoughAZs", 400},
    {"DBSubnetGroupNotFoundFault", 404},
    {"DBUpgradeDependencyFailure", 400},
    {"DomainNotFoundFault", 404},
    {"ExpiredToken", 403},
    {"IncompleteSignature", 400},
    {"InstanceQuotaExceeded", 400},
    {"InsufficientAvailableIPsInSubnetFault", 400},
    {"InsufficientDBInstanceCapacity", 400},
    {"IntegrationNotFoundFault", 404},
    {"InternalError", 500},
    {"InternalFailure", 500},
    {"InvalidAction", 400},
    {"InvalidClientTokenId", 403},
    {"InvalidDBClusterEndpointStateFault", 400},
    {"InvalidDBClusterStateFault", 400},
    {"InvalidDBInstanceState", 400},
    {"InvalidDBParameterGroupState", 400},
    {"InvalidDBProxyStateFault", 400},
    {"InvalidDBSecurityGroupState", 400},
    {"InvalidOptionGroupStateFault", 400},
    {"InvalidParameterCombination", 400},
    {"InvalidParameterValue", 400},
    {"InvalidSubnet", 400},
    {"InvalidVPCNetworkStateFault", 400},
    {"KMSKeyNotAccessibleFault", 400},
    {"MalformedInput", 400},
    {"MalformedQueryString", 404},
    {"MissingAction", 400},
    {"MissingAuthenticationToken", 403},
    {"MissingParameter", 400},
    {"NetworkTypeNotSupported", 400},
    {"NotAuthorized", 400},
    {"OptInRequired", 403},
    {"OptionGroupAlreadyExistsFault", 400},
    {"OptionGroupNotFoundFault", 404},
    {"OptionGroupQuotaExceededFault", 400},
    {"ProvisionedIopsNotAvailableInAZFault", 400},
    {"RequestExpired", 400},
    {"ResourceNotFoundFault", 404},
    {"ServiceUnavailable", 503},
    {"SignatureDoesNotMatch", 403},
    {"SnapshotQuotaExceeded", 400},
    {"StorageQuotaExceeded", 400},
    {"StorageTypeNotSupported", 400},
    {"TenantDatabaseNotFound", 404},
    {"TenantDatabaseQuotaExceeded", 400},
    {"Throttling", 400},
    {"ThrottlingException", 400},
    {"UnauthorizedOperation", 403},
    {"ValidationError", 400},
    {"VpcEncryptionControlViolationException", 400},
};

static int compare(const void *code, const void *row)
{
    return strcmp(code, ((const struct error_row *)row)->code);
}

int aws_error_status(const char *code)
{
    const struct error_row *row = bsearch(code, rows, sizeof rows / sizeof *rows, sizeof *rows, compare);
    return row ? row->status : 400;
}

const char *aws_error_type(int status)
{
    return status >= 500 ? "Receiver" : "Sender";
}

const char *aws_error_code(const struct error *error)
{
    if (error->name)
        return error->name;
    switch (error->code) {
    case ERROR_INVALID:
    case ERROR_LIMIT:
        return "InvalidParameterValue";
    case ERROR_NOT_FOUND:
        return "ResourceNotFoundFault";
    case ERROR_DENIED:
        return "AccessDenied";
    case ERROR_BUSY:
    case ERROR_TIMEOUT:
        return "ServiceUnavailable";
    default:
        return "InternalFailure";
    }
}

const char *aws_error_message(const struct error *error)
{
    int status = aws_error_status(aws_error_code(error));
    if (status == 503)
        return "The service cannot answer at this moment. Try again later.";
    if (status >= 500)
        return "The request failed because of an internal error. Try again later; the service's log has the "
               "details under this "
               "request's id.";
    return error->text;
}
