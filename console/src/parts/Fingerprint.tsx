import { Fragment } from "react";
import { colons } from "../model/chain";

/** A digest that is broken between its bytes alone. */
export function Fingerprint({ hexadecimal }: { hexadecimal: string }) {
  return (
    <span className="fingerprint">
      {colons(hexadecimal)
        .split(/(?<=:)/)
        .map((byte, at) => (
          <Fragment key={at}>
            {byte}
            <wbr />
          </Fragment>
        ))}
    </span>
  );
}
