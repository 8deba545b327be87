import { useId } from "react";
import type { Result } from "@/api/results";
import { texts } from "@/texts";
import classes from "./choice.module.css";

interface ColorChoiceProps {
  value: string;
  onChange: (color: string) => void;
  properties: Result["properties"];
}

/** A colour of a palette, of the picture's own, or any other. */
export function ColorChoice({ value, onChange, properties }: ColorChoiceProps) {
  const group = useId();
  const { palette, colors, ownColor, ofPicture } = texts.result.studio;
  const choices = new Map([
    ...(properties?.dominant_colors ?? []).map(({ hex, name }) => [hex.toLowerCase(), ofPicture(name)] as const),
    ...Object.entries(palette),
  ]);
  return (
    <fieldset className={classes.choices}>
      <legend className={classes.legend}>{colors}</legend>
      {[...choices].map(([hex, name]) => (
        <label key={hex} className={classes.choice} title={name} style={{ background: hex }}>
          <input type="radio" name={group} aria-label={name} checked={value === hex} onChange={() => onChange(hex)} />
        </label>
      ))}
      <label
        className={`${classes.choice} ${classes.any}`}
        title={ownColor}
        data-checked={!choices.has(value) || undefined}
        style={choices.has(value) ? undefined : { background: value }}
      >
        <input type="color" aria-label={ownColor} value={value} onChange={(event) => onChange(event.target.value)} />
      </label>
    </fieldset>
  );
}
