// The modality, as converters from DICOM pass it on in other formats.

/** The value of a DICOM Modality (0008,0060), as converters pass it on in other formats; undefined for what cannot be one. */
export const dicomModality = (value: string | undefined): string | undefined => (/^[A-Z]{2,16}$/.test(value?.trim() ?? "") ? value?.trim() : undefined);
