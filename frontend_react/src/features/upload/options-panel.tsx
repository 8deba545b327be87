import {
  Checkbox,
  Collapse,
  ColorSwatch,
  Group,
  Input,
  Paper,
  SegmentedControl,
  SimpleGrid,
  Slider,
  Stack,
  Switch,
  Text,
  UnstyledButton,
} from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconCheck, IconChevronDown } from "@tabler/icons-react";
import { useId } from "react";
import type { ProcessingOptions } from "@/api/intake";
import { texts } from "@/texts";
import classes from "./options-panel.module.css";
import { type Choice, FORMATS, OUTPUTS } from "./use-upload-options";

const DEFAULT_COLOR = "#ffffff";
const DEFAULT_MARGIN = 5;

interface OptionsProps {
  options: ProcessingOptions;
  onChange: (changed: Choice) => void;
}

/** What is made of the next pictures, folded into one line until it is asked for. */
export function OptionsPanel({ options, onChange }: OptionsProps) {
  const [isOpen, { toggle }] = useDisclosure(false);
  const id = useId();
  return (
    <Paper withBorder radius="lg">
      <UnstyledButton className={classes.head} onClick={toggle} aria-expanded={isOpen} aria-controls={id}>
        <span>
          <Text component="span" fw={600}>
            {texts.upload.options}
          </Text>
          <Text component="span" size="sm" c="dimmed" className={classes.summary}>
            {summaryOf(options)}
          </Text>
        </span>
        <IconChevronDown size={20} className={classes.chevron} aria-hidden />
      </UnstyledButton>
      <Collapse expanded={isOpen} id={id}>
        <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="xl" p="lg" pt="xs">
          <Several
            label={texts.upload.outputs}
            names={texts.upload.outputNames}
            all={OUTPUTS}
            value={options.outputs}
            onChange={(outputs) => onChange({ outputs })}
          />
          <Several
            label={texts.upload.formats}
            names={texts.upload.formatNames}
            all={FORMATS}
            value={options.formats}
            onChange={(formats) => onChange({ formats })}
          />
          {options.outputs.includes("composite") && <BackgroundOption options={options} onChange={onChange} />}
          <CropOption options={options} onChange={onChange} />
        </SimpleGrid>
      </Collapse>
    </Paper>
  );
}

interface SeveralProps<Name extends string> {
  label: string;
  names: Record<Name, string>;
  all: readonly Name[];
  value: readonly Name[];
  onChange: (value: Name[]) => void;
}

/** Some of a few things: the last one cannot be taken away. */
function Several<Name extends string>({ label, names, all, value, onChange }: SeveralProps<Name>) {
  return (
    <Checkbox.Group
      label={label}
      value={[...value]}
      onChange={(chosen) => onChange(all.filter((name) => chosen.includes(name)))}
    >
      <SimpleGrid cols={2} spacing="sm" mt="xs">
        {all.map((name) => (
          <Checkbox key={name} value={name} label={names[name]} disabled={value.length === 1 && value[0] === name} />
        ))}
      </SimpleGrid>
    </Checkbox.Group>
  );
}

function BackgroundOption({ options, onChange }: OptionsProps) {
  const isBlurred = options.background === "blur";
  return (
    <Stack gap="sm" align="start">
      <Text size="sm" fw={500} aria-hidden>
        {texts.upload.background}
      </Text>
      <SegmentedControl
        aria-label={texts.upload.background}
        value={isBlurred ? "blur" : "color"}
        onChange={(kind) => onChange({ background: kind === "blur" ? "blur" : DEFAULT_COLOR })}
        data={[
          { value: "color", label: texts.upload.backgroundKinds.color },
          { value: "blur", label: texts.upload.backgroundKinds.blur },
        ]}
      />
      {!isBlurred && (
        <Group gap="xs">
          {Object.entries(texts.upload.colors).map(([color, name]) => (
            <ColorSwatch
              key={color}
              component="button"
              type="button"
              color={color}
              size={32}
              aria-label={name}
              aria-pressed={options.background === color}
              onClick={() => onChange({ background: color })}
              className={classes.swatch}
            >
              {options.background === color && <IconCheck size={18} className={classes.check} aria-hidden />}
            </ColorSwatch>
          ))}
          <input
            type="color"
            className={classes.color}
            aria-label={texts.upload.otherColor}
            value={options.background}
            onChange={(event) => onChange({ background: event.currentTarget.value })}
          />
        </Group>
      )}
    </Stack>
  );
}

function CropOption({ options: { crop }, onChange }: OptionsProps) {
  return (
    <Stack gap="sm">
      <Switch
        label={texts.upload.crop}
        checked={crop !== null}
        onChange={(event) => onChange({ crop: event.currentTarget.checked ? { margin: DEFAULT_MARGIN } : null })}
      />
      {crop && (
        <Input.Wrapper label={texts.upload.margin} labelElement="div">
          <Slider
            max={50}
            value={crop.margin}
            onChange={(margin) => onChange({ crop: { margin } })}
            label={texts.upload.marginValue}
            thumbLabel={texts.upload.margin}
          />
        </Input.Wrapper>
      )}
    </Stack>
  );
}

function summaryOf({ outputs, formats, background, crop }: ProcessingOptions): string {
  const backgroundName =
    background === "blur" ? texts.upload.backgroundKinds.blur : (texts.upload.colors[background] ?? background);
  return texts.upload.summary({
    outputs: outputs.map((name) => texts.upload.outputNames[name]),
    formats: formats.map((name) => texts.upload.formatNames[name]),
    background: outputs.includes("composite") ? backgroundName : null,
    isCropped: crop !== null,
  });
}
